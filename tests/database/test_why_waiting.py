"""What people are told of a row that has not left yet."""

from __future__ import annotations

import asyncpg
import pytest

from tests.database.conversation import BOB, CAROL
from tests.database.outbox import queue_kind
from tests.database.pacing import Pacing, paused, refused_for_now, went
from tests.database.scene import Connection, Database, Session


@pytest.fixture
async def pacing(leased: Session, service: Connection) -> Pacing:
    """The session is online."""
    await service.execute(
        "update wa_sessions set state = 'connected', last_seen_at = now(),"
        " state_message = 'Connected.'"
    )
    return Pacing(service, leased)


async def reasons(pacing: Pacing, *ids: str) -> dict[str, str]:
    return {row["id"]: row["reason"] for row in await waiting(pacing, *ids)}


async def waiting(pacing: Pacing, *ids: str) -> list[dict[str, str]]:
    """All there is to be told, each with a sentence."""
    rows = await pacing.connection.fetch(
        "select id::text, reason, extract(epoch from until - now()) as until, message"
        " from wa_why_waiting($1, $2::uuid[])",
        pacing.session.id,
        list(ids) or None,
    )
    assert all(row["message"].strip().endswith(".") for row in rows)
    return [dict(row) for row in rows]


async def test_a_row_whose_number_is_offline_says_so(pacing: Pacing) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_sessions set state = 'logged_out', state_message = 'Scan again.'"
    )

    (told,) = await waiting(pacing)

    assert (told["id"], told["reason"]) == (row, "session_offline")
    assert told["message"].endswith("Scan again.")


async def test_a_connector_that_is_gone_is_as_good_as_offline(pacing: Pacing) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_sessions set last_seen_at = now() - interval '1 hour'"
    )

    assert await reasons(pacing) == {row: "session_offline"}


async def test_a_row_that_is_next_is_about_to_be_sent_and_others_come_after(
    pacing: Pacing,
) -> None:
    first, second = await pacing.writes(BOB, CAROL)

    assert await reasons(pacing) == {first: "being_sent", second: "behind_another"}
    await pacing.claims(limit=1)
    assert await reasons(pacing) == {first: "being_sent", second: "behind_another"}
    await pacing.claims(went(first), limit=0)
    assert await reasons(pacing) == {second: "being_sent"}


async def test_a_row_whose_time_is_over_is_not_promised_to_be_sent(
    pacing: Pacing,
) -> None:
    """Nobody marks it while the number is offline."""
    (row,) = await pacing.writes(BOB)
    await pacing.connection.execute("update wa_sessions set state = 'disconnected'")
    await pacing.connection.execute(
        "update wa_outbox set send_after = now() - interval '2 minutes',"
        " expires_at = now() - interval '1 minute'"
    )

    (told,) = await waiting(pacing)

    assert (told["id"], told["reason"]) == (row, "expired")
    assert told["until"] is None
    assert "not sent any more" in told["message"]


async def test_a_row_of_tomorrow_says_when(pacing: Pacing) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.connection.execute(
        "update wa_outbox set send_after = now() + interval '1 day'"
    )

    (told,) = await waiting(pacing)

    assert (told["id"], told["reason"]) == (row, "send_after")
    assert float(told["until"]) == pytest.approx(86_400, abs=5)


async def test_a_pause_says_whose_it_is_and_ticks_do_not_mind(pacing: Pacing) -> None:
    await pacing.hears(BOB)
    chat = await pacing.connection.fetchval("select id::text from wa_chats")
    (row,) = await pacing.writes(BOB)
    connection, session = pacing.connection, pacing.session
    read = await queue_kind(connection, session, "read", {}, to=chat)
    await connection.execute("select wa_pause_sending($1)", session.id)

    (told,) = await waiting(pacing, row)

    assert told["reason"] == "paused"
    assert "Somebody paused" in told["message"]
    assert (await reasons(pacing))[read] != "paused"


async def test_a_limit_of_whatsapps_is_called_that(pacing: Pacing) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.claims()
    await pacing.claims(paused(row, "all", 600), limit=0)

    (told,) = await waiting(pacing)

    assert told["reason"] == "paused"
    assert "WhatsApp limits" in told["message"]


async def test_people_who_never_wrote_wait_by_themselves(pacing: Pacing) -> None:
    await pacing.hears(CAROL)
    to_bob, to_carol = await pacing.writes(BOB, CAROL)
    await pacing.connection.execute(
        "update wa_sessions set new_chats_paused_until = now() + interval '1 hour'"
    )

    told = await reasons(pacing)

    assert told[to_bob] == "new_chats_paused"
    assert told[to_carol] != "new_chats_paused"


@pytest.mark.parametrize(
    ("limit", "named"),
    [
        ({"send_gap_seconds": 30}, "send_gap_seconds"),
        ({"send_per_minute": 1}, "send_per_minute"),
        ({"send_per_day": 1}, "send_per_day"),
        ({"send_new_per_day": 1}, "send_new_per_day"),
    ],
)
async def test_a_limit_is_named_and_the_next_row_told_until_when(
    pacing: Pacing, limit: dict[str, int], named: str
) -> None:
    await pacing.limits(**limit)
    await pacing.writes(BOB, CAROL, CAROL)
    await pacing.sends()

    next_one, last = await waiting(pacing)

    assert next_one["reason"] == last["reason"] == "pace"
    assert named in next_one["message"]
    assert float(next_one["until"]) > 1
    assert last["until"] is None


async def test_a_row_tried_again_says_why_and_its_chat_waits(pacing: Pacing) -> None:
    first, second = await pacing.writes(BOB, BOB)
    await pacing.claims(limit=1)
    await pacing.claims(refused_for_now(first, 60), limit=0)

    again, behind = await waiting(pacing)

    assert (again["id"], again["reason"]) == (first, "retry")
    assert "WhatsApp's server failed." in again["message"]
    assert float(again["until"]) == pytest.approx(60, abs=5)
    assert (behind["id"], behind["reason"]) == (second, "behind_another")
    assert "in order" in behind["message"]


async def test_an_answer_waits_for_what_it_answers(pacing: Pacing) -> None:
    (first,) = await pacing.writes(BOB)
    said = await pacing.connection.fetchval("select id::text from wa_messages")
    payload = {"text": "and so", "reply_to": said}
    answer = await queue_kind(pacing.connection, pacing.session, "text", payload)

    (told,) = await waiting(pacing, answer)

    assert told["reason"] == "behind_another"
    assert (await reasons(pacing, first))[first] == "being_sent"


async def test_a_row_awaiting_its_receipt_says_so(pacing: Pacing) -> None:
    (row,) = await pacing.writes(BOB)
    await pacing.claims()
    awaiting = {"id": row, "outcome": "awaiting_receipt", "whatsapp_id": "3EB0"}
    await pacing.claims(awaiting, limit=0)

    (told,) = await waiting(pacing)

    assert told["reason"] == "being_sent"
    assert "receipt" in told["message"]


async def test_what_is_settled_waits_for_nothing(pacing: Pacing) -> None:
    await pacing.writes(BOB)
    await pacing.sends()

    assert await waiting(pacing) == []


async def test_members_are_told_of_their_own_sessions_only(
    database: Database, pacing: Pacing
) -> None:
    await pacing.writes(BOB)
    stranger = await database.session()
    ask = "select reason from wa_why_waiting($1)"

    async with database.as_member(pacing.session.owner) as member:
        assert await member.fetchval(ask, pacing.session.id) == "being_sent"
    async with database.as_member(stranger.owner) as member:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await member.fetch(ask, pacing.session.id)
