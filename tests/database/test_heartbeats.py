"""Which connectors live, as they say it and as members are told."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.database.scene import Connection, Database, Row, Session


async def beat(
    connection: Connection, holder: str, sessions: int = 1, **figures: float
) -> Any:
    return await connection.fetchval(
        "select wa_heartbeat($1, '1.0', $2, $3)", holder, sessions, figures
    )


async def health(database: Database, user_id: str) -> Row:
    async with database.as_member(user_id) as member:
        told: Row = await member.fetchval("select wa_health()")
        return told


async def age(database: Database, holder: str, by: timedelta) -> None:
    async with database.as_postgres() as connection:
        await connection.execute(
            "update wa_private.connectors set heartbeat_at = now() - $2::interval"
            " where holder = $1",
            holder,
            by,
        )


async def test_a_heartbeat_is_one_row_that_the_next_one_replaces(
    service: Connection,
) -> None:
    await beat(service, "fly-1", 2, uptime_seconds=60)
    now = await beat(service, "fly-1", 3, uptime_seconds=90, spool_depth=4)

    [row] = await service.fetch("select * from wa_private.connectors")
    assert (row["version"], row["session_count"], row["heartbeat_at"]) == (
        "1.0",
        3,
        now,
    )
    assert row["figures"] == {"uptime_seconds": 90, "spool_depth": 4}
    assert row["started_at"] == now - timedelta(seconds=90)


async def test_two_heartbeats_of_one_holder_at_once_are_no_error(
    database: Database,
) -> None:
    async def beats() -> None:
        async with database.as_service() as connection:
            for _ in range(5):
                await beat(connection, "fly-1")

    await asyncio.gather(beats(), beats())

    async with database.as_service() as connection:
        known = await connection.fetch("select holder from wa_private.connectors")
    assert [row["holder"] for row in known] == ["fly-1"]


async def test_a_connector_that_was_silent_for_a_week_is_forgotten(
    database: Database, service: Connection
) -> None:
    for holder in ("gone", "back soon"):
        await beat(service, holder)
    await age(database, "gone", timedelta(days=7, seconds=1))
    await age(database, "back soon", timedelta(days=6, hours=23))

    await beat(service, "fly-1")

    rows = await service.fetch("select holder from wa_private.connectors order by 1")
    assert [row["holder"] for row in rows] == ["back soon", "fly-1"]


@pytest.mark.parametrize(
    "figures", ["[]", '{"x": "' + "ab" * 20_000 + '"}'], ids=["no object", "too much"]
)
async def test_figures_that_are_none_are_refused(
    service: Connection, figures: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await service.fetchval(
            "select wa_heartbeat('a', '1', 0, $1::text::jsonb)", figures
        )


async def test_members_hear_how_many_live_and_how_their_own_sessions_are(
    database: Database, session: Session, service: Connection
) -> None:
    rival = await database.session()
    await beat(service, "secret-host-1")
    newest = await beat(service, "secret-host-2")
    await beat(service, "dead")
    await age(database, "dead", timedelta(seconds=101))

    told = await health(database, session.owner)

    assert told["connectors"] == 2
    assert datetime.fromisoformat(told["heartbeat_at"]) == newest
    [own] = told["sessions"]
    assert own == {
        "id": session.id,
        "workspace_id": session.workspace_id,
        "name": "WhatsApp",
        "state": "disconnected",
        "state_code": None,
        "last_seen_at": None,
    }
    assert rival.id not in str(told)
    assert "host" not in str(told)


async def test_a_planned_stop_is_heard_of_at_once(
    database: Database, session: Session, service: Connection
) -> None:
    await beat(service, "fly-1")
    await beat(service, "fly-2")

    await service.fetchval("select wa_sign_off('fly-1')")

    assert (await health(database, session.owner))["connectors"] == 1
