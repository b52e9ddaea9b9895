"""What becomes of an outbox row: by results, by receipts, by time."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.database.conversation import US, edit, message, messages
from tests.database.outbox import BOB, ids, message_statuses, queue, read, sent, states
from tests.database.scene import Connection, Database, Session, claim, exchange, store

# --- Results -----------------------------------------------------------------------------


async def test_recording_twice_is_recording_once(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)

    await exchange(service, leased, sent(row))
    before = await service.fetchrow("select * from wa_outbox")
    await exchange(service, leased, sent(row), sent(row))

    assert await service.fetchrow("select * from wa_outbox") == before
    message = await service.fetchrow("select * from wa_messages")
    assert message is not None
    assert (message["status"], message["whatsapp_id"]) == ("sent", "3EB0")


async def test_a_row_released_or_refused_for_now_is_queued_again(
    leased: Session, service: Connection
) -> None:
    released, refused = await queue(service, leased, "one", "two")
    await exchange(service, leased, limit=2)

    await exchange(
        service,
        leased,
        {"id": released, "outcome": "released"},
        {
            "id": refused,
            "outcome": "retry",
            "code": "throttled",
            "message": "WhatsApp asks to slow down.",
            "retry_after_seconds": 600,
        },
        limit=0,
    )
    rows = await service.fetch(
        "select attempts, error_code, coalesce(retry_at > now(), false) as later"
        " from wa_outbox order by seq"
    )

    assert [tuple(row.values()) for row in rows] == [
        (0, None, False),
        (1, "throttled", True),
    ]
    assert ids(await exchange(service, leased, limit=2)) == [released]


async def test_a_late_result_cannot_undo_a_settled_row(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(service, leased, sent(row))

    for outcome in ("failed", "retry", "released", "uncertain", "awaiting_receipt"):
        await exchange(service, leased, {"id": row, "outcome": outcome, "code": "x"})

    assert await states(service) == ["sent"]
    assert await message_statuses(service) == ["sent"]


async def test_sent_is_the_truth_even_for_a_row_given_up(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(service, leased, {"id": row, "outcome": "uncertain"})

    await exchange(service, leased, sent(row))

    assert await states(service) == ["sent"]
    assert await message_statuses(service) == ["sent"]


async def test_a_failed_row_says_why_and_its_message_too(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)

    await exchange(
        service,
        leased,
        {"id": row, "outcome": "failed", "code": "not_on_whatsapp", "message": "No."},
    )

    entry = await service.fetchrow("select * from wa_outbox")
    assert entry is not None
    assert (entry["state"], entry["error_code"], entry["error_message"]) == (
        "failed",
        "not_on_whatsapp",
        "No.",
    )
    assert await message_statuses(service) == ["failed"]
    reason = "select error_code from wa_messages"
    assert await service.fetchval(reason) == "not_on_whatsapp"


async def test_what_is_paused_waits_without_an_attempt_and_says_why(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)

    paused = {
        "id": row,
        "outcome": "paused",
        "code": "throttled",
        "message": "WhatsApp asks to slow down.",
        "pause": {"scope": "all", "seconds": 600},
    }
    assert await exchange(service, leased, paused) == []

    entry = await service.fetchrow("select * from wa_outbox")
    assert entry is not None
    assert (entry["state"], entry["attempts"], entry["error_code"]) == (
        "queued",
        0,
        "throttled",
    )
    message = "select status, error_code from wa_messages"
    (shown,) = await service.fetch(message)
    assert tuple(shown.values()) == ("pending", "throttled")
    pause = "select paused_until > now() + interval '9 min' from wa_sessions"
    assert await service.fetchval(pause)


async def test_a_late_answer_about_an_earlier_claim_is_not_about_this_one(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    refused = {"id": row, "outcome": "retry", "code": "throttled", "claims": 1}
    (again,) = await exchange(service, leased, refused)
    assert again["claims"] == 2

    for outcome in ("retry", "failed", "released", "uncertain", "awaiting_receipt"):
        late = {"id": row, "outcome": outcome, "code": "x", "claims": 1}
        await exchange(service, leased, late, limit=0)
        assert await states(service) == ["sending"]

    await exchange(service, leased, {**sent(row), "claims": 1})
    assert await states(service) == ["sent"]


async def test_an_older_term_cannot_say_anything(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    assert await claim(service, "connector-a") == {leased.id: 2}

    with pytest.raises(asyncpg.PostgresError, match="lease lost"):
        await exchange(service, leased, {"id": row, "outcome": "failed"}, term=1)

    assert await states(service) == ["sending"]


async def test_a_row_without_chat_is_recorded_like_any_other(
    leased: Session, service: Connection
) -> None:
    rows = await queue(service, leased, "one", "two", "three")
    await exchange(service, leased, limit=3)
    await service.execute(
        "update wa_outbox set chat_id = null, message_id = null, to_jid = null"
    )

    outcomes = ("sent", "failed", "uncertain")
    results = (
        {"id": row, "outcome": outcome}
        for row, outcome in zip(rows, outcomes, strict=True)
    )
    await exchange(service, leased, *results)

    assert await states(service) == list(outcomes)


async def test_results_of_another_session_change_nothing(
    database: Database, leased: Session, service: Connection
) -> None:
    stranger = await database.session()
    assert await claim(service, "connector-a", held=[leased.id]) == {stranger.id: 1}
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)

    await exchange(service, stranger, sent(row))

    assert await states(service) == ["sending"]


# --- Time --------------------------------------------------------------------------------


async def test_what_expired_is_never_claimed(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        """insert into wa_outbox (session_id, "to", payload, send_after, expires_at)
        values ($1, '1@lid', '{"text": "code 123"}', now() - interval '1 min', now())""",
        leased.id,
    )

    assert await exchange(service, leased) == []
    assert await states(service) == ["expired"]
    assert await message_statuses(service) == ["failed"]


async def test_a_send_without_receipt_becomes_uncertain_and_a_late_one_settles_it(
    database: Database, leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(
        service,
        leased,
        {"id": row, "outcome": "awaiting_receipt", "whatsapp_id": "3EB0"},
    )
    assert await states(service) == ["sending"]

    async with database.as_postgres() as connection:
        await connection.execute("update wa_outbox set settle_by = now()")
    await exchange(service, leased)
    assert await states(service) == ["uncertain"]

    await store(service, leased, read("3EB0", "delivered"))
    assert await states(service) == ["delivered"]
    assert await message_statuses(service) == ["delivered"]


async def test_a_receipt_settles_a_row_that_waits_for_one(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(
        service,
        leased,
        {"id": row, "outcome": "awaiting_receipt", "whatsapp_id": "3EB0"},
    )

    await store(service, leased, read("3EB0"))

    assert await states(service) == ["read"]
    assert await message_statuses(service) == ["read"]


async def test_a_receipt_that_came_before_the_result_counts(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await store(service, leased, read("3EB0"))
    assert await states(service) == ["sending"]

    await exchange(service, leased, sent(row))

    assert await states(service) == ["read"]
    assert await message_statuses(service) == ["read"]


async def test_an_echo_of_our_own_message_leaves_one_row(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    echo = {
        "chats": [{"jid": BOB, "kind": "direct"}],
        "messages": [
            {
                "whatsapp_id": "3EB0",
                "chat_jid": BOB,
                "from_me": True,
                "sender_jid": "9@lid",
                "kind": "text",
                "body": "oi",
                "sent_at": "2026-01-02T12:00:00Z",
                "status": "sent",
                "source": "phone",
            }
        ],
    }
    await store(service, leased, echo)
    await exchange(service, leased, sent(row))
    await store(service, leased, echo)

    (message,) = await service.fetch("select * from wa_messages")
    entry = await service.fetchrow("select message_id from wa_outbox")
    assert entry is not None
    assert message["id"] == entry["message_id"]
    assert message["source"] == "outbox"


async def test_exchanges_and_receipts_of_the_same_rows_do_not_deadlock(
    database: Database, leased: Session, service: Connection
) -> None:
    rows = await queue(service, leased, *(f"text {n}" for n in range(30)))
    await exchange(service, leased, limit=30)
    results = [sent(row, f"3EB{n}") for n, row in enumerate(rows)]
    receipts = [*read("3EB0")["receipts"]]
    batch = {
        "receipts": [{**receipts[0], "whatsapp_id": f"3EB{n}"} for n in range(30)],
    }

    async def report() -> None:
        async with database.as_service() as connection:
            for start in range(0, 30, 5):
                await exchange(connection, leased, *results[start : start + 5])

    async def tick() -> None:
        async with database.as_service() as connection:
            for _ in range(6):
                await store(connection, leased, batch)

    await asyncio.gather(report(), tick())

    assert set(await states(service)) == {"read"}
    assert set(await message_statuses(service)) == {"read"}


async def test_what_came_before_the_result_is_done_to_the_message_all_the_same(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    answer = message("answer", quoted_whatsapp_id="3EB0")
    edited = edit("3EB0", "E", from_me=True, sender_jid=US, body="olá")
    await store(service, leased, messages(answer) | {"edits": [edited]})

    await exchange(service, leased, sent(row))

    ours = await service.fetchrow("select * from wa_messages where from_me")
    assert ours is not None
    assert ours["body"] == "olá"
    quoted = "select quoted_message_id from wa_messages where not from_me"
    assert await service.fetchval(quoted) == ours["id"]
