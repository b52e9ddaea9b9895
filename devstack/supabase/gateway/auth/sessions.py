"""Sessions: a sign-in yields an access token (JWT) and a refresh token used once."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import Any

import asyncpg
from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.auth import accounts
from devstack.supabase.gateway.auth.answers import AuthRefusal, Call, Endpoints
from devstack.supabase.gateway.database import Connection
from devstack.supabase.keys import sign

ACCESS_SECONDS = 3600


def serve(endpoints: Endpoints) -> None:
    endpoints.add("POST", "/signup", sign_up)
    endpoints.add("POST", "/token", grant)
    endpoints.add("POST", "/logout", log_out)


async def sign_up(call: Call) -> Response:
    """Signed in at once, as a project that does not ask to confirm addresses."""
    if call.text("phone"):
        raise AuthRefusal(400, "phone_provider_disabled", "Phone signups are disabled")
    if not call.text("email"):
        message = "Anonymous sign-ins are disabled"
        raise AuthRefusal(422, "anonymous_provider_disabled", message)
    if not call.text("password"):
        message = "Signup requires a valid password"
        raise AuthRefusal(400, "validation_failed", message)
    email = accounts.checked_email(call.text("email"))
    account = str(uuid.uuid4())
    known = {
        "sub": account,
        "email": email,
        "email_verified": True,
        "phone_verified": False,
    }
    new = accounts.NewAccount(
        id=account,
        email=email,
        password=accounts.checked_password(call.text("password")),
        user_metadata=call.mapping("data") | known,
    )
    async with call.context.database.as_admin() as connection:
        if (row := await accounts.insert(connection, new)) is None:
            raise AuthRefusal(422, "user_already_exists", "User already registered")
        return JSONResponse(await _begin(call, connection, row))


async def grant(call: Call) -> Response:
    match call.request.query_params.get("grant_type"):
        case "password":
            return await _by_password(call)
        case "refresh_token":
            return await _by_refresh_token(call)
        case _:
            raise AuthRefusal(400, "invalid_credentials", "unsupported_grant_type")


async def _by_password(call: Call) -> Response:
    email, password = call.text("email"), call.text("password")
    if not email:
        raise AuthRefusal(400, "validation_failed", "missing email or phone")
    async with call.context.database.as_admin() as connection:
        row = await accounts.by_password(connection, email, password)
        if row is None:
            message = "Invalid login credentials"
            raise AuthRefusal(400, "invalid_credentials", message)
        if row["email_confirmed_at"] is None:
            raise AuthRefusal(400, "email_not_confirmed", "Email not confirmed")
        return JSONResponse(await _begin(call, connection, row))


async def _by_refresh_token(call: Call) -> Response:
    """Using a token and issuing the next are one transaction: a token works once."""
    token = call.text("refresh_token")
    async with call.context.database.as_admin() as connection:
        used = await connection.fetchrow(
            "update auth.refresh_tokens set revoked = true, updated_at = now()"
            " where token = $1 and not revoked returning user_id, session_id",
            token,
        )
        if used is None:
            raise await _unusable(connection, token)
        row = await accounts.by_id(connection, used["user_id"])
        if row is None:
            raise await _unusable(connection, token)
        return JSONResponse(
            await _issue(call, connection, row, str(used["session_id"]), parent=token)
        )


async def _unusable(connection: Connection, token: str) -> AuthRefusal:
    known = await connection.fetchval(
        "select true from auth.refresh_tokens where token = $1", token
    )
    if known:
        message = "Invalid Refresh Token: Already Used"
        return AuthRefusal(400, "refresh_token_already_used", message)
    message = "Invalid Refresh Token: Refresh Token Not Found"
    return AuthRefusal(400, "refresh_token_not_found", message)


async def log_out(call: Call) -> Response:
    identity = call.identity()
    user, session = identity.user_id, identity.claims.get("session_id")
    match call.request.query_params.get("scope", "global"):
        case "local":
            condition = "id = $2::uuid"
        case "others":
            condition = "id <> $2::uuid"
        case "global":
            condition = "$2::uuid is null or true"
        case _:
            message = "Unsupported logout scope"
            raise AuthRefusal(400, "validation_failed", message)
    async with call.context.database.as_admin() as connection:
        await connection.execute(
            f"delete from auth.sessions where user_id = $1 and ({condition})",  # noqa: S608 - one of three constants
            user,
            session,
        )
    return Response(status_code=204)


async def _begin(
    call: Call, connection: Connection, row: asyncpg.Record
) -> dict[str, Any]:
    session = str(uuid.uuid4())
    await connection.execute(
        "insert into auth.sessions (id, user_id, created_at, updated_at, user_agent)"
        " values ($1, $2, now(), now(), $3)",
        session,
        row["id"],
        call.request.headers.get("user-agent"),
    )
    await connection.execute(
        "update auth.users set last_sign_in_at = now() where id = $1", row["id"]
    )
    signed_in = await accounts.by_id(connection, str(row["id"]))
    return await _issue(call, connection, signed_in or row, session)


async def _issue(
    call: Call,
    connection: Connection,
    row: asyncpg.Record,
    session: str,
    parent: str | None = None,
) -> dict[str, Any]:
    refresh_token = secrets.token_urlsafe(16)
    await connection.execute(
        """
        insert into auth.refresh_tokens
          (token, user_id, revoked, parent, session_id, created_at, updated_at)
        values ($1, $2, false, $3, $4, now(), now())
        """,
        refresh_token,
        str(row["id"]),
        parent,
        session,
    )
    user = accounts.shown(row)
    return {
        "access_token": _access_token(call, user, session),
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "expires_at": int(time.time()) + ACCESS_SECONDS,
        "refresh_token": refresh_token,
        "user": user,
    }


def _access_token(call: Call, user: dict[str, Any], session: str) -> str:
    claims = {
        "iss": f"{call.context.config.url}/auth/v1",
        "sub": user["id"],
        "aud": user["aud"],
        "email": user["email"],
        "phone": user["phone"],
        "app_metadata": user["app_metadata"],
        "user_metadata": user["user_metadata"],
        "role": user["role"],
        "aal": "aal1",
        "amr": [{"method": "password", "timestamp": int(time.time())}],
        "session_id": session,
        "is_anonymous": user["is_anonymous"],
    }
    return sign(call.context.config.jwt_secret, claims, ACCESS_SECONDS)
