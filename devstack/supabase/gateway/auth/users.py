"""What a signed-in user asks about themselves, and what anybody asks about Auth."""

from __future__ import annotations

import asyncpg
from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.auth import accounts
from devstack.supabase.gateway.auth.answers import AuthRefusal, Call, Endpoints
from devstack.supabase.gateway.database import Connection


def serve(endpoints: Endpoints) -> None:
    endpoints.add("GET", "/user", show)
    endpoints.add("PUT", "/user", change)
    endpoints.add("GET", "/health", health)
    endpoints.add("GET", "/settings", settings)
    endpoints.add("GET", "/.well-known/jwks.json", signing_keys)


async def show(call: Call) -> Response:
    async with call.context.database.as_admin() as connection:
        return JSONResponse(accounts.shown(await _signed_in(call, connection)))


async def change(call: Call) -> Response:
    """Email, password and metadata; an email changes at once, unconfirmed."""
    email, password = call.text("email"), call.text("password")
    if call.text("phone"):
        raise AuthRefusal(400, "phone_provider_disabled", "Phone signups are disabled")
    async with call.context.database.as_admin() as connection:
        user = await _signed_in(call, connection)
        try:
            row = await accounts.change(
                connection,
                str(user["id"]),
                email=accounts.checked_email(email) if email else None,
                password=accounts.checked_password(password) if password else None,
                user_metadata=call.mapping("data"),
            )
        except asyncpg.UniqueViolationError as error:
            raise email_exists() from error
        return JSONResponse(accounts.shown(row or user))


async def _signed_in(call: Call, connection: Connection) -> asyncpg.Record:
    identity = call.identity()
    if identity.user_id is None:
        raise AuthRefusal(403, "bad_jwt", "invalid claim: missing sub claim")
    row = await accounts.by_id(connection, identity.user_id)
    if row is None:
        message = "User from sub claim in JWT does not exist"
        raise AuthRefusal(403, "user_not_found", message)
    session = identity.claims.get("session_id")
    if session is not None and not await connection.fetchval(
        "select true from auth.sessions where id = $1", session
    ):
        message = "Session from session_id claim in JWT does not exist"
        raise AuthRefusal(403, "session_not_found", message)
    return row


def email_exists() -> AuthRefusal:
    message = "A user with this email address has already been registered"
    return AuthRefusal(422, "email_exists", message)


async def health(_: Call) -> Response:
    return JSONResponse(
        {
            "version": "zapbase-devstack",
            "name": "GoTrue",
            "description": "GoTrue is a user registration and authentication API",
        }
    )


async def settings(_: Call) -> Response:
    return JSONResponse(
        {
            "external": {"email": True, "phone": False, "anonymous_users": False},
            "disable_signup": False,
            "mailer_autoconfirm": True,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )


async def signing_keys(_: Call) -> Response:
    """Tokens are signed with a shared secret: there is no public key to show."""
    return JSONResponse({"keys": []})
