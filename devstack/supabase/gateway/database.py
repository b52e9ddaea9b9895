"""Connections that act as a caller: role, claims and request settings per transaction.

Each transaction costs three round trips (begin with settings, statement, commit);
statements are prepared once per connection by asyncpg's cache.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.identity import Identity

if TYPE_CHECKING:
    # Generic in the stubs only: subscripting them at run time raises.
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.pool.PoolConnectionProxy

ACQUIRE_TIMEOUT = 10.0  # seconds, as PostgREST's db-pool-acquisition-timeout
CONNECT_TIMEOUT = 5.0
ANON_STATEMENT_TIMEOUT = "3s"  # hosted: alter role anon set statement_timeout
# JIT costs tens of milliseconds on the small queries an API makes.
SESSION_SETTINGS = {"jit": "off", "timezone": "UTC"}
# Away, going away or coming back.
UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    OSError,
)


class Database:
    """Two pools: `pool` as `authenticator`, `admin` as `supabase_admin`."""

    def __init__(self, pool: Pool, admin: Pool) -> None:
        self.pool = pool
        self.admin = admin

    @classmethod
    @asynccontextmanager
    async def open(cls, config: GatewayConfig) -> AsyncIterator[Database]:
        """Connect on demand, so the gateway starts and survives without Postgres."""
        pool = _pool(config.database_url, config.pool_size)
        admin = _pool(config.admin_url, config.pool_size // 2)
        async with pool, admin:
            yield cls(pool, admin)

    @asynccontextmanager
    async def acting_as(
        self,
        identity: Identity,
        *,
        readonly: bool = False,
        schema: str = "public",
        method: str = "",
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Connection]:
        """A transaction as the caller; commits on leaving, raises Refusal on failure.

        Cancelled or failing inside, it is rolled back. Killed before the commit was
        answered, it either happened whole or not at all.
        """
        settings = _settings(identity, schema, method, path, headers or {})
        async with _translated(identity.role), _acquired(self.pool) as connection:
            try:
                await connection.execute(_begin(settings, readonly=readonly))
                yield connection
                await connection.execute("commit")
            except BaseException:
                await _roll_back(connection)
                raise

    @asynccontextmanager
    async def as_admin(self) -> AsyncIterator[Connection]:
        """A transaction as `supabase_admin`, for what a service does by itself."""
        async with (
            _translated("supabase_admin"),
            _acquired(self.admin) as connection,
            connection.transaction(),
        ):
            yield connection


def quote_literal(value: str) -> str:
    """A string literal; relies on standard_conforming_strings, Postgres's default."""
    if "\x00" in value:
        raise refusals.postgrest(
            "22P05",
            "unsupported Unicode escape sequence",
            "\\u0000 cannot be converted to text.",
        )
    return "'" + value.replace("'", "''") + "'"


def _pool(url: str, size: int) -> Pool:
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=0,
        max_cached_statement_lifetime=0,
        statement_cache_size=1000,
        timeout=CONNECT_TIMEOUT,
        server_settings=SESSION_SETTINGS,
        # A transaction leaves no session state behind, so the round trip of a reset
        # on every release is saved; PostgREST does not reset either.
        reset=_keep_session,
    )


async def _keep_session(_: object) -> None:
    return


@asynccontextmanager
async def _acquired(pool: Pool) -> AsyncIterator[Connection]:
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT)
    except TimeoutError as error:
        raise refusals.pool_exhausted() from error
    try:
        yield connection
    finally:
        await pool.release(connection)


@asynccontextmanager
async def _translated(role: str) -> AsyncIterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise refusals.database_unreachable() from error
    except asyncpg.PostgresError as error:
        if _ended_the_connection(error):
            raise refusals.database_unreachable() from error
        raise refusals.from_postgres(error, role) from error


def _ended_the_connection(error: asyncpg.PostgresError) -> bool:
    """A backend that outlives its postmaster for a moment dies of whatever it lacks."""
    return getattr(error, "severity_en", None) in ("FATAL", "PANIC")


async def _roll_back(connection: Connection) -> None:
    """Never back to the pool inside a transaction, even when a commit was cut short."""
    if not connection.is_closed():
        await connection.execute("rollback")


def _settings(
    identity: Identity,
    schema: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
) -> dict[str, str]:
    quoted_schema = '"' + schema.replace('"', '""') + '"'
    settings = {
        "search_path": f'{quoted_schema}, "extensions"',
        "role": identity.role,
        "request.jwt.claims": identity.claims_json,
        "request.method": method,
        "request.path": path,
        "request.headers": json.dumps(dict(headers)),
    }
    if identity.role == "anon":
        settings["statement_timeout"] = ANON_STATEMENT_TIMEOUT
    return settings


def _begin(settings: Mapping[str, str], *, readonly: bool) -> str:
    calls = ", ".join(
        f"set_config({quote_literal(name)}, {quote_literal(value)}, true)"
        for name, value in settings.items()
    )
    return f"begin{' read only' if readonly else ''}; select {calls}"
