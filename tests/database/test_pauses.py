"""What stops a session's sending, who starts it again, and what people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.database.conversation import BOB, CAROL
from tests.database.outbox import queue_kind
from tests.database.pacing import Pacing, paused
from tests.database.scene import Connection, Database, Session

DAN = "5@lid"


@pytest.fixture
def pacing(leased: Session, service: Connection) -> Pacing:
    return Pacing(service, leased)


async def as_owner(database: Database, session: Session, call: str, *args: Any) -> Any:
    async with database.as_member(session.owner) as member:
        # Calls are the tests' own.
        return await member.fetchval(f"select ({call}).paused_until", *args)


async def events(pacing: Pacing) -> list[tuple[str, str]]:
    rows = await pacing.connection.fetch(
        "select * from wa_events order by created_at, code"
    )
    assert all(row["level"] == "warning" for row in rows)
    assert all(row["details"]["until"] for row in rows)
    return [(row["code"], row["details"]["scope"]) for row in rows]


# --- By a person -------------------------------------------------------------------------


async def test_a_member_pauses_and_resumes_and_the_connector_looks_at_once(
    database: Database, pacing: Pacing
) -> None:
    session = pacing.session
    (row,) = await pacing.writes(BOB)
    rung = "select count(*) from realtime.messages where event = 'outbox_queued'"

    async with database.as_postgres() as looking:
        before = await looking.fetchval(rung)
        await as_owner(database, session, "wa_pause_sending($1)", session.id)
        assert await pacing.claims() == []
        assert pacing.look_again is not None  # an hour: nobody knows how long
        await as_owner(database, session, "wa_resume_sending($1)", session.id)
        after = await looking.fetchval(rung)

    assert after == before + 2
    assert await pacing.claims() == [row]


async def test_a_person_may_say_until_when_and_change_their_mind(
    database: Database, pacing: Pacing
) -> None:
    pause = "wa_pause_sending($1, now() + make_interval(mins => $2))"
    now = (await pacing.row())["now"]

    for minutes in (120, 30, 60):
        until = await as_owner(
            database, pacing.session, pause, pacing.session.id, minutes
        )
        wanted = now + timedelta(minutes=minutes)
        assert abs(until - wanted) < timedelta(seconds=10)


async def test_what_is_over_before_it_begins_is_no_pause(
    database: Database, pacing: Pacing
) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await as_owner(
            database, pacing.session, "wa_pause_sending($1, now())", pacing.session.id
        )

    assert "must be in the future" in str(refusal.value)


async def test_nobody_pauses_another_tenants_session(
    database: Database, pacing: Pacing
) -> None:
    stranger = await database.session()
    for call in ("wa_pause_sending($1)", "wa_resume_sending($1)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_owner(database, stranger, call, pacing.session.id)

    assert (await pacing.row())["paused_until"] is None


async def test_the_apps_own_server_pauses_as_well(pacing: Pacing) -> None:
    await pacing.connection.fetchval("select wa_pause_sending($1)", pacing.session.id)

    assert (await pacing.row())["pause_reason"] == "member"


# --- By WhatsApp -------------------------------------------------------------------------


async def test_a_limit_of_whatsapps_stops_everything_for_as_long_as_it_says(
    pacing: Pacing,
) -> None:
    row, _ = await pacing.writes(BOB, CAROL)
    await pacing.claims(limit=1)

    assert await pacing.claims(paused(row, "all", 600)) == []
    assert pacing.look_again == pytest.approx(600, abs=5)
    assert (await pacing.row())["pause_reason"] == "throttled"
    await pacing.time_passes(600)
    assert len(await pacing.claims()) == 2


async def test_a_limit_on_new_conversations_lets_replies_go(pacing: Pacing) -> None:
    await pacing.hears(CAROL)
    to_bob, to_dan, to_carol = await pacing.writes(BOB, DAN, CAROL)
    await pacing.claims(limit=1)

    refused = paused(to_bob, "new_chats", 600, code="timelocked")

    assert await pacing.claims(refused) == [to_carol]
    assert await pacing.claims() == []
    assert pacing.look_again == pytest.approx(600, abs=5)
    assert (await pacing.row())["paused_until"] is None
    await pacing.time_passes(600)
    assert await pacing.claims() == [to_bob, to_dan]


async def test_a_pause_is_told_once(pacing: Pacing) -> None:
    rows = await pacing.writes(BOB, BOB, BOB)
    await pacing.claims()
    refusals = [paused(row, "all", 600 + n) for n, row in enumerate(rows)]

    await pacing.claims(*refusals[:2], limit=0)
    await pacing.claims(refusals[2], limit=0)
    assert await events(pacing) == [("throttled", "all")]

    await pacing.time_passes(700)
    (row, *_) = await pacing.claims(limit=1)
    await pacing.claims(paused(row, "new_chats", 60, code="timelocked"), limit=0)
    assert await events(pacing) == [("throttled", "all"), ("timelocked", "new_chats")]


async def test_a_pause_only_moves_forward(pacing: Pacing) -> None:
    rows = await pacing.writes(BOB, BOB)
    await pacing.claims()

    await pacing.claims(paused(rows[0], "all", 600, code="restricted"), limit=0)
    await pacing.claims(paused(rows[1], "all", 60), limit=0)

    row = await pacing.row()
    assert row["paused_until"] - row["now"] > timedelta(seconds=500)
    assert row["pause_reason"] == "restricted"


async def test_what_a_person_paused_for_good_outlasts_whatsapps_limits(
    database: Database, pacing: Pacing
) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.claims()
    session = pacing.session
    await as_owner(database, session, "wa_pause_sending($1)", session.id)

    await pacing.claims(paused(row, "all", 600), limit=0)

    held = await pacing.connection.fetchval(
        "select pause_reason from wa_sessions where paused_until = 'infinity'"
    )
    assert held == "member"


async def test_a_person_may_try_again_at_once(
    database: Database, pacing: Pacing
) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.claims()
    refusal = {
        **paused(row, "new_chats", 600, "timelocked"),
        "retry_after_seconds": 600,
    }
    assert await pacing.claims(refusal) == []

    session = pacing.session
    await as_owner(database, session, "wa_resume_sending($1)", session.id)

    assert await pacing.claims() == [row]


# --- What is no message ------------------------------------------------------------------


async def test_ticks_go_in_spite_of_pauses_and_limits_and_typing_of_limits(
    pacing: Pacing,
) -> None:
    connection, session = pacing.connection, pacing.session
    await pacing.hears(BOB)
    chat = await connection.fetchval("select id::text from wa_chats")
    await pacing.limits(send_per_day=1)
    await pacing.writes(BOB, BOB)
    await pacing.sends()

    read = await queue_kind(connection, session, "read", {}, to=chat)
    typing = await queue_kind(connection, session, "typing", {}, to=chat)
    assert sorted(await pacing.claims()) == sorted([read, typing])

    await connection.execute("update wa_sessions set paused_until = 'infinity'")
    read = await queue_kind(connection, session, "read", {}, to=chat)
    await queue_kind(connection, session, "typing", {}, to=chat)
    assert await pacing.claims() == [read]
    assert len(await pacing.ledger()) == 1
