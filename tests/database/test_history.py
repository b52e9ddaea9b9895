"""How far history has come: it rises, ends once, and says when it has stalled."""

from __future__ import annotations

from typing import Any

from tests.database.circumstances import tell
from tests.database.scene import Connection, Session


async def state(connection: Connection) -> tuple[str, int]:
    row = await connection.fetchrow("select sync_state, sync_progress from wa_sessions")
    assert row is not None
    return row["sync_state"], row["sync_progress"]


async def follow(
    connection: Connection, session: Session, percent: int, *, done: bool = False
) -> tuple[str, int]:
    history: Any = {"percent": percent, "done": done}
    await tell(connection, session, history=history)
    return await state(connection)


async def report(connection: Connection, session: Session, **told: Any) -> None:
    await connection.execute("select wa_report_session($1, 1, $2)", session.id, told)


async def end_stalled(connection: Connection, session: Session, hours: int) -> Any:
    return await connection.fetchval(
        "select wa_end_stalled_history($1, 1, make_interval(hours => $2))",
        session.id,
        hours,
    )


async def test_progress_only_rises_until_it_is_done(
    leased: Session, service: Connection
) -> None:
    assert await follow(service, leased, 30) == ("running", 30)
    assert await follow(service, leased, 20) == ("running", 30)
    assert await follow(service, leased, 100) == ("running", 99)
    assert await follow(service, leased, 100, done=True) == ("done", 100)


async def test_a_piece_that_comes_again_after_the_last_one_begins_nothing(
    leased: Session, service: Connection
) -> None:
    await follow(service, leased, 100, done=True)

    assert await follow(service, leased, 40) == ("done", 100)


async def test_linking_a_phone_begins_anew(
    leased: Session, service: Connection
) -> None:
    await follow(service, leased, 100, done=True)
    await report(service, leased, sync_state="running", sync_progress=0)

    assert await follow(service, leased, 5) == ("running", 5)


async def test_history_of_which_nothing_came_for_long_has_failed(
    leased: Session, service: Connection
) -> None:
    await report(service, leased, sync_state="running", sync_progress=0)
    assert not await end_stalled(service, leased, 1)

    assert await end_stalled(service, leased, 0)
    assert await state(service) == ("failed", 0)
    events = await service.fetch("select level, code, details from wa_events")
    assert [tuple(event) for event in events] == [
        ("warning", "history_stalled", {"sync_progress": 0})
    ]
    assert not await end_stalled(service, leased, 0)

    assert await follow(service, leased, 60) == ("running", 60)


async def test_each_piece_is_a_sign_of_life(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        "update wa_sessions set sync_state = 'running', sync_updated_at = now() - interval '2 h'"
    )
    await follow(service, leased, 0)

    assert not await end_stalled(service, leased, 1)


async def test_what_is_idle_or_done_does_not_stall(
    leased: Session, service: Connection
) -> None:
    assert not await end_stalled(service, leased, 0)
    await follow(service, leased, 100, done=True)
    assert not await end_stalled(service, leased, 0)
