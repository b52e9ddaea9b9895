"""Things of long ago, and the call that throws them away, in the words of the tests."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.database.scene import (
    PATIENCE_SECONDS,
    Connection,
    Database,
    Row,
    Session,
)

MOST_CALLS = 50


async def tidy(connection: Connection, limit: int = 1000) -> Row:
    """One call: what was done, and whether there is more."""
    answer: Row = await connection.fetchval("select wa_housekeeping($1)", limit)
    assert not answer["busy"]
    return answer


async def tidy_up(connection: Connection, limit: int = 1000) -> dict[str, int]:
    """Call after call, as the connector does; what was done in all of them."""
    total: dict[str, int] = {}
    for _ in range(MOST_CALLS):
        answer = await tidy(connection, limit)
        for step, done in answer["done"].items():
            total[step] = total.get(step, 0) + done
        if not answer["more"]:
            return total
    raise AssertionError("there is always more")


async def a_day_later(database: Database) -> None:
    """Walks begin anew."""
    await as_operator(
        database,
        "update wa_private.housekeeping_walks set ended_at = now() - interval '1 day'",
    )


async def as_operator(database: Database, statement: str, *given: Any) -> None:
    """Change what is there as time would: no trigger says that it was changed now."""
    url = database.server.url("supabase_admin", database.name)
    connection = await asyncpg.connect(url, command_timeout=PATIENCE_SECONDS)
    try:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(statement, *given)
    finally:
        await connection.close()


async def rule(database: Database, name: str, after: str | None) -> None:
    await as_operator(
        database,
        "update wa_private.housekeeping_rules set after = $2::text::interval"
        " where name = $1",
        name,
        after,
    )


async def count(connection: Connection, table: str, where: str = "true") -> int:
    # Names and conditions are the tests' own.
    found: int = await connection.fetchval(
        f"select count(*) from {table} where {where}"  # noqa: S608
    )
    return found


async def orphans(connection: Connection, limit: int = 1000) -> list[str]:
    """Files to remove, of a whole walk."""
    found: list[str] = []
    for _ in range(MOST_CALLS):
        answer = await connection.fetchval("select wa_orphaned_files($1)", limit)
        found += answer["paths"]
        if not answer["more"]:
            return found
    raise AssertionError("there is always more")


async def put(database: Database, *paths: str, age: str = "25 hours") -> None:
    """Files in wa-media that were put there so long ago."""
    await as_operator(
        database,
        "insert into storage.objects (bucket_id, name, created_at, updated_at, metadata)"
        " select 'wa-media', path, now() - $2::text::interval,"
        " now() - $2::text::interval, '{}' from unnest($1::text[]) as path",
        list(paths),
        age,
    )


async def offline(database: Database, session: Session) -> None:
    """Nobody runs it any more."""
    await as_operator(
        database,
        "update wa_private.session_leases set expires_at = now() where session_id = $1",
        session.id,
    )
