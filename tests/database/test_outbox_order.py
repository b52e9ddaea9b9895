"""Which row goes next: the order of a chat, and what does not stand in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.conversation import BOB, CAROL
from tests.database.outbox import queue_kind
from tests.database.pacing import Pacing, refused_for_now, went
from tests.database.scene import Connection, Session, ask_outbox, store

HOUR = 3600.0


@pytest.fixture
def pacing(leased: Session, service: Connection) -> Pacing:
    return Pacing(service, leased)


async def message_of(pacing: Pacing, row_id: str) -> str:
    """The message that shows a row in its chat."""
    found = await pacing.connection.fetchval(
        "select message_id::text from wa_outbox where id = $1", row_id
    )
    return str(found)


async def replies(pacing: Pacing, row_id: str, **columns: Any) -> str:
    """Queue an answer to what another row sends."""
    payload = {"text": "and so", "reply_to": await message_of(pacing, row_id)}
    reply = await queue_kind(pacing.connection, pacing.session, "text", payload)
    for column, value in columns.items():
        await pacing.connection.execute(
            # Column names are the tests' own.
            f"update wa_outbox set {column} = $1 where id = $2",  # noqa: S608
            value,
            reply,
        )
    return reply


# --- Tried again -------------------------------------------------------------------------


async def test_a_row_tried_again_holds_back_what_follows_in_its_chat(
    pacing: Pacing,
) -> None:
    first, second = await pacing.writes(BOB, BOB)
    (elsewhere,) = await pacing.writes(CAROL)
    await pacing.claims(limit=1)

    assert await pacing.claims(refused_for_now(first, 60)) == [elsewhere]
    assert await pacing.claims() == []
    assert pacing.look_again == pytest.approx(60, abs=5)
    await pacing.time_passes(60)
    assert await pacing.claims() == [first, second]


async def test_what_is_more_urgent_passes_a_row_tried_again(pacing: Pacing) -> None:
    (first,) = await pacing.writes(BOB)
    await pacing.claims()
    await pacing.claims(refused_for_now(first, 60))
    (urgent,) = await pacing.writes(BOB, priority=5)
    await pacing.writes(BOB, priority=-5)

    assert await pacing.claims() == [urgent]


async def test_a_paced_session_keeps_the_order_of_a_chat_too(pacing: Pacing) -> None:
    await pacing.limits(send_per_day=100)
    first, _ = await pacing.writes(BOB, BOB)
    (elsewhere,) = await pacing.writes(CAROL)
    await pacing.claims()

    assert await pacing.claims(refused_for_now(first, 60)) == [elsewhere]
    assert await pacing.claims(went(elsewhere)) == []


# --- What a row speaks of ----------------------------------------------------------------


async def test_an_answer_waits_for_what_it_answers_and_others_for_the_answer(
    pacing: Pacing,
) -> None:
    (first,) = await pacing.writes(BOB)
    answer = await replies(pacing, first)
    (after,) = await pacing.writes(BOB)
    (elsewhere,) = await pacing.writes(CAROL)

    assert await pacing.claims() == [first, elsewhere]
    assert await pacing.claims() == []
    assert await pacing.claims(went(first)) == [answer, after]


async def test_an_answer_to_what_failed_waits_no_longer(pacing: Pacing) -> None:
    (first,) = await pacing.writes(BOB)
    answer = await replies(pacing, first)
    await pacing.claims()

    failed = {"id": first, "outcome": "failed", "code": "refused"}

    assert await pacing.claims(failed) == [answer]


async def test_urgent_answers_do_not_wait_for_ever_for_what_they_hold_back(
    pacing: Pacing,
) -> None:
    (first,) = await pacing.writes(BOB)
    answer = await replies(pacing, first, priority=5)
    last = await replies(pacing, answer, priority=9)

    assert await pacing.claims() == [first]
    assert await pacing.claims(went(first)) == [answer]
    assert await pacing.claims(went(answer)) == [last]


async def test_an_answer_to_what_is_sent_tomorrow_holds_back_nothing_today(
    pacing: Pacing,
) -> None:
    (tomorrow,) = await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_outbox set send_after = now() + interval '1 day'"
    )
    await replies(pacing, tomorrow)
    (today,) = await pacing.writes(BOB)

    assert await pacing.claims() == [today]


async def test_an_answer_to_what_was_said_long_ago_waits_for_nothing(
    pacing: Pacing,
) -> None:
    await pacing.hears(BOB)
    said = await pacing.connection.fetchval("select id::text from wa_messages")
    payload = {"text": "yes", "reply_to": said}
    answer = await queue_kind(pacing.connection, pacing.session, "text", payload)

    answered = await ask_outbox(pacing.connection, pacing.session, limit=16)

    (row,) = answered["rows"]
    assert row["id"] == answer
    assert row["references"]["reply_to"]["id"] == said


# --- What comes with a row ---------------------------------------------------------------


async def test_a_row_brings_what_its_sending_needs_to_know(pacing: Pacing) -> None:
    phone = "5521987654321"
    await pacing.writes(phone)
    await pacing.connection.execute("update wa_chats set disappearing_seconds = 86400")
    await pacing.connection.execute(
        "insert into wa_number_checks (workspace_id, session_id, number, state,"
        " on_whatsapp, checked_at)"
        " select workspace_id, id, $1, 'done', false, now() from wa_sessions",
        phone,
    )

    (row,) = (await ask_outbox(pacing.connection, pacing.session))["rows"]

    assert set(row) == {
        *("id", "to", "chat_id", "chat_jid", "kind", "payload", "attempts", "claims"),
        *("on_whatsapp", "expiration_seconds", "references", "upload"),
    }
    assert (row["on_whatsapp"], row["expiration_seconds"]) == (False, 86400)
    assert (row["references"], row["upload"]) == ({}, None)


# --- When to look again ------------------------------------------------------------------


async def test_with_nothing_queued_there_is_no_time_to_look_again(
    pacing: Pacing,
) -> None:
    assert await pacing.claims() == []
    assert pacing.look_again is None


@pytest.mark.parametrize("priority", [0, -3])
async def test_the_next_look_is_when_the_earliest_row_is_due(
    pacing: Pacing, priority: int
) -> None:
    rows = await pacing.writes(*[BOB] * 3, priority=priority)
    for minutes, row in zip((30, 10, 20), rows, strict=True):
        await pacing.connection.execute(
            "update wa_outbox set send_after = now() + make_interval(mins => $1)"
            " where id = $2",
            minutes,
            row,
        )

    assert await pacing.claims() == []
    assert pacing.look_again == pytest.approx(600, abs=5)


async def test_the_next_look_is_when_a_row_expires(pacing: Pacing) -> None:
    await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_outbox set expires_at = now() + interval '5 minutes'"
    )
    await pacing.connection.execute("update wa_sessions set paused_until = 'infinity'")

    assert await pacing.claims() == []
    assert pacing.look_again == pytest.approx(300, abs=5)
    await pacing.time_passes(300)
    await pacing.claims()
    states = await pacing.connection.fetch("select state from wa_outbox")
    assert [row["state"] for row in states] == ["expired"]


async def test_nobody_waits_longer_than_an_hour_to_look(pacing: Pacing) -> None:
    await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_outbox set send_after = now() + interval '1 month'"
    )

    assert await pacing.claims() == []
    assert pacing.look_again == pytest.approx(HOUR, abs=5)


async def test_nobody_waits_for_what_is_under_way(pacing: Pacing) -> None:
    batch = {"chats": [{"jid": BOB, "kind": "direct"}]}
    await store(pacing.connection, pacing.session, batch)
    (first,) = await pacing.writes(BOB)
    await replies(pacing, first)
    await pacing.claims()

    assert await pacing.claims() == []
    assert pacing.look_again is None


# --- What ends before ---------------------------------------------------------------------


async def test_what_was_called_off_is_never_claimed(pacing: Pacing) -> None:
    called_off, other = await pacing.writes(BOB, BOB)
    await pacing.connection.fetchval("select (wa_cancel_outbox($1)).state", called_off)

    assert await pacing.claims() == [other]
