"""A database of its own for each test, the roles that act on it, and what they act on."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from devstack.supabase.server import Server

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row: TypeAlias = Mapping[str, Any]

# Whatever waits longer in these tests is stuck.
PATIENCE_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One linked number, its tenant and the tenant's owner."""

    id: str
    workspace_id: str
    owner: str


@dataclasses.dataclass(frozen=True, slots=True)
class Database:
    server: Server
    name: str

    @property
    def url(self) -> str:
        """As `postgres`, the role of migrations."""
        return self.server.url(database=self.name)

    @asynccontextmanager
    async def as_postgres(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.url, command_timeout=PATIENCE_SECONDS)
        try:
            await connection.set_type_codec(
                "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
            )
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[Connection]:
        """The connector: row-level security does not apply to it."""
        async with self.as_postgres() as connection:
            await connection.execute("set role service_role")
            yield connection

    @asynccontextmanager
    async def as_member(self, user_id: str) -> AsyncIterator[Connection]:
        """A signed-in user, as the Data API acts for them."""
        async with self.as_postgres() as connection:
            await connection.execute("set role authenticated")
            claims = json.dumps({"sub": user_id, "role": "authenticated"})
            await connection.execute(
                "select set_config('request.jwt.claims', $1, false)", claims
            )
            yield connection

    async def session(self, desired_state: str = "connected") -> Session:
        """A new tenant with one owner and one session, which sends as fast as it can."""
        owner = str(uuid.uuid4())
        async with self.as_postgres() as connection:
            await connection.execute("insert into auth.users (id) values ($1)", owner)
        async with self.as_member(owner) as member:
            workspace = await member.fetchval("select wa_create_workspace('Acme')")
            session = await member.fetchval(
                "insert into wa_sessions (workspace_id, desired_state, send_gap_seconds,"
                " send_per_minute, send_per_day, send_new_per_day)"
                " values ($1, $2, null, null, null, null) returning id",
                workspace,
                desired_state,
            )
        return Session(id=str(session), workspace_id=str(workspace), owner=owner)


# --- The connector's calls, with the arguments that tests do not care about -----------


async def claim(
    connection: Connection,
    holder: str,
    *,
    ttl: float = 30,
    capacity: int = 10,
    held: Sequence[str] = (),
    keys: Sequence[str] = (),
) -> dict[str, int]:
    """The terms of the leases taken, by session."""
    answer = await look(
        connection, holder, ttl=ttl, capacity=capacity, held=held, keys=keys
    )
    return {row["session_id"]: row["term"] for row in answer["leases"]}


async def look(
    connection: Connection,
    holder: str,
    *,
    ttl: float = 30,
    capacity: int = 10,
    held: Sequence[str] = (),
    keys: Sequence[str] = (),
) -> Row:
    """The whole answer to a claim: `leases`, and when to look again."""
    answer: Row = await connection.fetchval(
        "select wa_claim_sessions($1, make_interval(secs => $2), $3, $4::uuid[],"
        " $5::text[])",
        holder,
        ttl,
        capacity,
        list(held),
        list(keys),
    )
    return answer


async def renew(
    connection: Connection, holder: str, terms: Mapping[str, int], *, ttl: float = 30
) -> set[str]:
    """The sessions whose lease is still ours."""
    rows = await connection.fetch(
        "select * from wa_renew_leases($1, $2, make_interval(secs => $3))",
        holder,
        leases(terms),
        ttl,
    )
    return {str(row["session_id"]) for row in rows}


async def surplus(
    connection: Connection, holder: str, terms: Mapping[str, int]
) -> set[str]:
    """The sessions that a renewal says another connector should have."""
    rows = await connection.fetch(
        "select session_id from wa_renew_leases($1, $2, '30 s') where yields",
        holder,
        leases(terms),
    )
    return {str(row["session_id"]) for row in rows}


async def release(
    connection: Connection, holder: str, terms: Mapping[str, int]
) -> set[str]:
    rows = await connection.fetch(
        "select * from wa_release_leases($1, $2) as id", holder, leases(terms)
    )
    return {str(row["id"]) for row in rows}


def leases(terms: Mapping[str, int]) -> list[Row]:
    return [{"session_id": key, "term": term} for key, term in terms.items()]


async def expire(database: Database, session_id: str) -> None:
    """Let the time of a session's lease be up."""
    async with database.as_postgres() as connection:
        await connection.execute(
            "update wa_private.session_leases set expires_at = now() - interval '1 s'"
            " where session_id = $1",
            session_id,
        )


async def exchange(
    connection: Connection,
    session: Session,
    *results: Row,
    term: int = 1,
    limit: int = 1,
    lineage: str = "store",
) -> list[Row]:
    """The rows claimed after recording `results`."""
    answer = await ask_outbox(
        connection, session, *results, term=term, limit=limit, lineage=lineage
    )
    rows: list[Row] = answer["rows"]
    return rows


async def ask_outbox(
    connection: Connection,
    session: Session,
    *results: Row,
    term: int = 1,
    limit: int = 1,
    lineage: str = "store",
) -> Row:
    """The whole answer: `rows`, and when to look again."""
    answer: Row = await connection.fetchval(
        "select wa_exchange_outbox($1, $2, $3, $4, $5)",
        session.id,
        term,
        lineage,
        list(results),
        limit,
    )
    return answer


async def store(
    connection: Connection, session: Session, batch: Row, *, term: int = 1
) -> asyncpg.Record:
    """What was new: counts of messages, receipts and contacts."""
    row = await connection.fetchrow(
        "select * from wa_store_batch($1, $2, $3)", session.id, term, batch
    )
    assert row is not None
    return row
