"""What the connector is given to send, and what becomes of what it reports."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.database.scene import (
    Connection,
    Database,
    Row,
    Session,
    claim,
    exchange,
    expire,
    store,
)

BOB = "1@lid"


async def queue(
    connection: Connection, session: Session, *texts: str, **columns: Any
) -> list[str]:
    """Insert texts for Bob in one statement; returns their ids, in order."""
    extra = "".join(f", {name}" for name in columns)
    values = "".join(f", ${n}" for n in range(3, 3 + len(columns)))
    rows = await connection.fetch(
        # Column names are this file's own.
        f"""insert into wa_outbox (session_id, "to", payload{extra})
        select $1, '{BOB}', jsonb_build_object('text', text){values}
        from unnest($2::text[]) with ordinality as given (text, place) order by place
        returning id""",  # noqa: S608
        session.id,
        list(texts),
        *columns.values(),
    )
    return [str(row["id"]) for row in rows]


def sent(row_id: str, whatsapp_id: str = "3EB0") -> Row:
    return {
        "id": row_id,
        "outcome": "sent",
        "whatsapp_id": whatsapp_id,
        "sent_at": "2026-01-02T12:00:00Z",
    }


def read(whatsapp_id: str, status: str = "read") -> Row:
    return {
        "chats": [{"jid": BOB, "kind": "direct"}],
        "receipts": [
            {
                "chat_jid": BOB,
                "whatsapp_id": whatsapp_id,
                "participant_jid": BOB,
                "status": status,
                "at": "2026-01-02T12:00:05Z",
            }
        ],
    }


def ids(rows: Sequence[asyncpg.Record]) -> list[str]:
    return [str(row["id"]) for row in rows]


async def states(connection: Connection) -> list[str]:
    rows = await connection.fetch("select state from wa_outbox order by seq")
    return [row["state"] for row in rows]


async def message_statuses(connection: Connection) -> list[str]:
    rows = await connection.fetch("select status from wa_messages order by seq")
    return [row["status"] for row in rows]


# --- Claiming ----------------------------------------------------------------------------


async def test_rows_come_by_priority_then_time_then_insertion(
    leased: Session, service: Connection
) -> None:
    first, second = await queue(service, leased, "one", "two")
    (urgent,) = await queue(service, leased, "urgent", priority=5)

    claimed = await exchange(service, leased, limit=10)

    assert ids(claimed) == [urgent, first, second]
    assert [row["attempts"] for row in claimed] == [1, 1, 1]
    assert claimed[0]["chat_jid"] == BOB
    assert await states(service) == ["claimed", "claimed", "sending"]


async def test_a_row_is_not_claimed_before_its_time(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        """insert into wa_outbox (session_id, "to", payload, send_after)
        values ($1, '1@lid', '{"text": "later"}', now() + interval '1 hour')""",
        leased.id,
    )

    assert await exchange(service, leased, limit=10) == []


async def test_two_exchanges_at_once_claim_each_row_once(
    database: Database, leased: Session, service: Connection
) -> None:
    wanted = await queue(service, leased, *(f"text {n}" for n in range(40)))

    async def claims() -> list[str]:
        taken: list[str] = []
        async with database.as_service() as connection:
            while rows := await exchange(connection, leased, limit=3):
                taken += ids(rows)
        return taken

    a, b = await asyncio.gather(claims(), claims())

    assert sorted(a + b) == sorted(wanted)


async def test_a_claim_in_progress_is_skipped(
    database: Database, leased: Session, service: Connection
) -> None:
    first, second = await queue(service, leased, "one", "two")
    async with database.as_service() as other, service.transaction():
        assert ids(await exchange(service, leased)) == [first]
        assert ids(await exchange(other, leased)) == [second]


async def test_a_paused_session_sends_nothing(
    leased: Session, service: Connection
) -> None:
    await queue(service, leased, "one")
    await service.execute(
        "update wa_sessions set paused_until = now() + interval '1 h'"
    )

    assert await exchange(service, leased) == []
    assert await states(service) == ["queued"]


async def test_a_stale_term_claims_nothing_and_records_nothing(
    database: Database, leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "one")
    assert ids(await exchange(service, leased)) == [row]
    await expire(database, leased.id)
    assert await claim(service, "connector-b") == {leased.id: 2}

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await exchange(service, leased, sent(row), term=1)

    assert refusal.value.sqlstate == "ZB001"
    assert await states(service) == ["sending"]


async def test_an_expired_lease_still_records_but_claims_nothing_new(
    database: Database, leased: Session, service: Connection
) -> None:
    row, _ = await queue(service, leased, "one", "two")
    await exchange(service, leased)
    await expire(database, leased.id)

    assert await exchange(service, leased, sent(row)) == []
    assert await states(service) == ["sent", "queued"]


async def test_the_next_holder_finds_what_the_last_one_left(
    database: Database, leased: Session, service: Connection
) -> None:
    begun, waiting, awaiting = await queue(service, leased, "one", "two", "three")
    await exchange(service, leased, limit=3, lineage="disk-1")
    await exchange(
        service,
        leased,
        {"id": awaiting, "outcome": "awaiting_receipt", "whatsapp_id": "3EB9"},
        limit=0,
    )
    await expire(database, leased.id)
    await claim(service, "connector-b")

    left = await service.fetch("select * from wa_unsettled_outbox($1, 2)", leased.id)

    assert ids(left) == [begun, waiting]
    assert {(row["claim_lineage"], row["claim_term"]) for row in left} == {
        ("disk-1", 1)
    }


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
        "select attempts, error_code, send_after > now() as later"
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
        """insert into wa_outbox (session_id, "to", payload, expires_at)
        values ($1, '1@lid', '{"text": "code 123"}', now())""",
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


async def test_a_row_id_chosen_by_the_app_is_sent_once(
    database: Database, leased: Session, service: Connection
) -> None:
    chosen = str(uuid.uuid4())
    insert = """insert into wa_outbox (id, session_id, "to", payload)
        values ($1, $2, '+55 21 98765-4321', '{"text": "oi"}')"""
    async with database.as_member(leased.owner) as member:
        await member.execute(insert, chosen, leased.id)
        with pytest.raises(asyncpg.UniqueViolationError):
            await member.execute(insert, chosen, leased.id)
        await member.execute(f"{insert} on conflict do nothing", chosen, leased.id)

    assert ids(await exchange(service, leased, limit=10)) == [chosen]
    assert await message_statuses(service) == ["pending"]
