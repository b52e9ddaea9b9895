"""Users as the holder of the secret key manages them."""

from __future__ import annotations

import uuid

import asyncpg
from starlette.responses import JSONResponse, Response

from devstack.supabase.gateway.auth import accounts
from devstack.supabase.gateway.auth.answers import AuthRefusal, Call, Endpoints
from devstack.supabase.gateway.auth.users import email_exists

ADMIN_ROLES = ("service_role", "supabase_admin")
DEFAULT_PAGE = 50
# Attributes of the real API that would silently do nothing here.
NOT_SERVED = ("phone", "ban_duration", "role", "password_hash", "should_soft_delete")


def serve(endpoints: Endpoints) -> None:
    endpoints.add("POST", "/admin/users", create)
    endpoints.add("GET", "/admin/users", list_page)
    endpoints.add("GET", "/admin/users/{user}", show)
    endpoints.add("PUT", "/admin/users/{user}", change)
    endpoints.add("DELETE", "/admin/users/{user}", delete)


async def create(call: Call) -> Response:
    _demand_admin(call)
    if not call.text("email"):
        message = "Cannot create a user without either an email or phone"
        raise AuthRefusal(400, "validation_failed", message)
    password = call.text("password")
    new = accounts.NewAccount(
        id=call.text("id") or None,
        email=accounts.checked_email(call.text("email")),
        # Without one, nobody can sign in as this user.
        password=accounts.checked_password(password) if password else None,
        user_metadata=call.mapping("user_metadata") | {"email_verified": True},
        app_metadata=call.mapping("app_metadata"),
        confirmed=bool(call.body.get("email_confirm")),
    )
    async with call.context.database.as_admin() as connection:
        if (row := await accounts.insert(connection, new)) is None:
            raise email_exists()
        return JSONResponse(accounts.shown(row))


async def list_page(call: Call) -> Response:
    _demand_admin(call)
    query = call.request.query_params
    try:
        page = max(1, int(query.get("page") or 1))
        per_page = max(1, int(query.get("per_page") or DEFAULT_PAGE))
    except ValueError as error:
        message = "Bad Pagination Parameters"
        raise AuthRefusal(400, "validation_failed", message) from error
    async with call.context.database.as_admin() as connection:
        rows = await connection.fetch(
            f"select {accounts.COLUMNS} from auth.users"  # noqa: S608 - a constant
            " order by created_at desc, id limit $1 offset $2",
            per_page,
            (page - 1) * per_page,
        )
        total = await connection.fetchval("select count(*) from auth.users")
    users = [accounts.shown(row) for row in rows]
    return JSONResponse(
        {"users": users, "aud": "authenticated"},
        headers={"X-Total-Count": str(total)},
    )


async def show(call: Call) -> Response:
    _demand_admin(call)
    account = _account(call)
    async with call.context.database.as_admin() as connection:
        if (row := await accounts.by_id(connection, account)) is None:
            raise _not_found()
        return JSONResponse(accounts.shown(row))


async def change(call: Call) -> Response:
    _demand_admin(call)
    account = _account(call)
    email, password = call.text("email"), call.text("password")
    async with call.context.database.as_admin() as connection:
        try:
            row = await accounts.change(
                connection,
                account,
                email=accounts.checked_email(email) if email else None,
                password=accounts.checked_password(password) if password else None,
                user_metadata=call.mapping("user_metadata"),
                app_metadata=call.mapping("app_metadata"),
            )
        except asyncpg.UniqueViolationError as error:
            raise email_exists() from error
        if row is None:
            raise _not_found()
        return JSONResponse(accounts.shown(row))


async def delete(call: Call) -> Response:
    _demand_admin(call)
    account = _account(call)
    async with call.context.database.as_admin() as connection:
        gone = await connection.fetchval(
            "delete from auth.users where id = $1 returning id", account
        )
        if gone is None:
            raise _not_found()
    return JSONResponse({})


def _demand_admin(call: Call) -> None:
    """Raises AuthRefusal unless the bearer is the secret key's, or asks too much."""
    if call.identity().role not in ADMIN_ROLES:
        raise AuthRefusal(403, "not_admin", "User not allowed")
    for name in NOT_SERVED:
        if call.body.get(name):
            message = f"This local Supabase does not serve {name}"
            raise AuthRefusal(501, "not_implemented", message)


def _account(call: Call) -> str:
    try:
        return str(uuid.UUID(call.request.path_params["user"]))
    except ValueError as error:
        message = "user_id must be an UUID"
        raise AuthRefusal(404, "validation_failed", message) from error


def _not_found() -> AuthRefusal:
    return AuthRefusal(404, "user_not_found", "User not found")
