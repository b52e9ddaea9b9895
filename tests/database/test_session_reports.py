"""What the connector says of a session, and what of it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.database.scene import Connection, Row, Session


async def report(connection: Connection, session: Session, **columns: Any) -> None:
    await connection.execute("select wa_report_session($1, 1, $2)", session.id, columns)


async def row(connection: Connection) -> Row:
    found = await connection.fetchrow("select *, now() as now from wa_sessions")
    assert found is not None
    return dict(found)


async def test_a_number_is_linked_when_this_database_hears_of_it(
    leased: Session, service: Connection
) -> None:
    await report(service, leased, linked_at="2001-01-01T00:00:00Z")
    linked = (await row(service))["linked_at"]
    await report(service, leased, state="connected")

    told = await row(service)
    assert told["linked_at"] == linked
    assert told["now"] - linked < timedelta(seconds=10)


async def test_a_ban_pauses_until_it_ends(leased: Session, service: Connection) -> None:
    await report(
        service,
        leased,
        paused_until="2100-01-01T00:00:00Z",
        pause_reason="temporary_ban",
    )
    banned = await row(service)
    await report(service, leased, paused_until=None, pause_reason=None)
    over = await row(service)

    assert banned["paused_until"].year == 2100
    assert (over["paused_until"], over["pause_reason"]) == (None, None)


async def test_a_ban_neither_shortens_nor_ends_what_a_person_paused(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        "update wa_sessions set paused_until = 'infinity', pause_reason = 'member'"
    )

    await report(
        service,
        leased,
        paused_until="2100-01-01T00:00:00Z",
        pause_reason="temporary_ban",
    )
    await report(service, leased, paused_until=None, pause_reason=None)

    held = await service.fetchval(
        "select pause_reason from wa_sessions where paused_until = 'infinity'"
    )
    assert held == "member"
