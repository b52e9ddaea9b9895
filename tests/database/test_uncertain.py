"""Rows of which nobody knows whether they left, and what a receipt proves of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.database.conversation import (
    BOB,
    BOBS_PHONE,
    CAROL,
    FAMILY,
    US,
    column,
    edit,
    message,
    messages,
    ours,
    receipt,
)
from tests.database.outbox import message_statuses, queue, sent, states
from tests.database.scene import Connection, Row, Session, exchange, store


def tick(whatsapp_id: str, status: str = "delivered", **changes: Any) -> Row:
    """A receipt that comes a moment after everything these tests do."""
    at = datetime.now(UTC) + timedelta(seconds=5)
    return {"receipts": [receipt(whatsapp_id, status, at=at.isoformat(), **changes)]}


async def lose(connection: Connection, session: Session, *texts: str) -> list[str]:
    """Rows that were claimed when the disk was lost."""
    rows = await queue(connection, session, *texts)
    await exchange(connection, session, limit=len(rows))
    await forget(connection, session, *rows)
    return rows


async def forget(connection: Connection, session: Session, *rows: str) -> None:
    unknown = {"outcome": "uncertain", "code": "send_uncertain"}
    results = ({"id": row, **unknown} for row in rows)
    await exchange(connection, session, *results, limit=0)


async def ids_of_messages(connection: Connection) -> list[Any]:
    return await column(connection, "select whatsapp_id from wa_messages order by seq")


async def test_a_receipt_for_what_nobody_recorded_settles_the_oldest_row_of_its_chat(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one", "two")

    await store(service, leased, tick("3EB0A"))
    assert await states(service) == ["delivered", "uncertain"]
    assert await ids_of_messages(service) == ["3EB0A", None]
    assert await message_statuses(service) == ["delivered", "pending"]
    assert await column(service, "select error_code from wa_messages order by seq") == [
        None,
        "send_uncertain",
    ]

    # The same once more is of the one that is settled.
    await store(service, leased, tick("3EB0A", "read"))
    assert await states(service) == ["read", "uncertain"]

    await store(service, leased, tick("3EB0B"))
    assert await states(service) == ["read", "delivered"]


async def test_receipts_of_one_second_are_of_the_rows_in_the_order_they_came(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one", "two", "three")
    ids = ["3EB0C", "3EB0A", "3EB0B"]
    at = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()

    await store(
        service,
        leased,
        {"receipts": [receipt(one, "delivered", at=at) for one in ids]},
    )

    assert await ids_of_messages(service) == ids


async def test_receipts_that_were_there_before_their_rows_were_in_doubt_keep_their_order(
    leased: Session, service: Connection
) -> None:
    rows = await queue(service, leased, "one", "two")
    await exchange(service, leased, limit=2)
    ids = ["3EB0B", "3EB0A"]
    at = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    for one in ids:
        await store(service, leased, {"receipts": [receipt(one, "delivered", at=at)]})

    await forget(service, leased, *rows)

    assert await ids_of_messages(service) == ids


async def test_a_receipt_that_may_be_of_either_of_two_losses_settles_none(
    leased: Session, service: Connection
) -> None:
    [row] = await lose(service, leased, "lost first")
    await service.execute("update wa_outbox set claim_term = 0 where id = $1", row)
    await lose(service, leased, "lost later")

    await store(service, leased, tick("3EB0A"))
    assert await states(service) == ["uncertain", "uncertain"]

    await service.execute("select id from wa_resolve_outbox($1, 'sent')", row)
    await store(service, leased, tick("3EB0A", "read"))
    assert await states(service) == ["sent", "read"]


async def test_a_receipt_that_came_while_the_row_was_still_in_flight_counts(
    leased: Session, service: Connection
) -> None:
    rows = await queue(service, leased, "one", "two")
    await exchange(service, leased, limit=2)
    await store(service, leased, tick("3EB0A", "read"))
    assert await states(service) == ["sending", "claimed"]

    await forget(service, leased, *rows[:1])
    assert await states(service) == ["uncertain", "claimed"]
    await forget(service, leased, *rows[1:])

    assert await states(service) == ["read", "uncertain"]
    assert await ids_of_messages(service) == ["3EB0A", None]


async def test_two_receipts_settle_two_rows(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one", "two", "three")

    both = {"receipts": [*tick("3EB0A")["receipts"], *tick("3EB0B")["receipts"]]}
    await store(service, leased, both)

    assert await states(service) == ["delivered", "delivered", "uncertain"]


async def test_a_receipt_that_may_be_of_what_is_under_way_waits_until_that_is_known(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "lost")
    (row,) = await queue(service, leased, "sent")
    await exchange(service, leased)

    # Both have come before it is recorded which of them is whose.
    both = {"receipts": [*tick("3EB0A")["receipts"], *tick("3EB0B")["receipts"]]}
    await store(service, leased, both)
    assert await states(service) == ["uncertain", "sending"]

    await exchange(service, leased, sent(row, "3EB0A"))
    assert await states(service) == ["delivered", "delivered"]
    assert await ids_of_messages(service) == ["3EB0B", "3EB0A"]


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param("3A123", id="typed on the phone"),
        pytest.param("3EB0OURS", id="a message that is there"),
        pytest.param("3EB0SENT", id="another row of the outbox"),
        pytest.param("3EB0EDIT", id="an edit made on another device"),
    ],
)
async def test_a_receipt_of_something_known_settles_nothing(
    leased: Session, service: Connection, strange: str
) -> None:
    (row,) = await queue(service, leased, "sent")
    await exchange(service, leased)
    await exchange(service, leased, sent(row, "3EB0SENT"), limit=0)
    edits = [edit("3EB0OURS", "3EB0EDIT", from_me=True, sender_jid=US)]
    await store(service, leased, messages(ours("3EB0OURS")) | {"edits": edits})
    await lose(service, leased, "lost")

    await store(service, leased, tick(strange))

    assert (await states(service))[-1] == "uncertain"


async def test_a_receipt_from_before_the_claim_is_of_something_else(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one")

    await store(service, leased, {"receipts": [receipt("3EB0A", "delivered")]})

    assert await states(service) == ["uncertain"]


async def test_a_receipt_from_another_chat_is_of_something_else(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one")

    elsewhere = tick("3EB0A", chat_jid=FAMILY, participant_jid=CAROL)
    await store(service, leased, elsewhere)

    assert await states(service) == ["uncertain"]


async def test_a_row_whose_id_is_known_waits_for_its_own_receipt(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "one")
    await exchange(service, leased)
    known = {"id": row, "outcome": "uncertain", "whatsapp_id": "3EB0X"}
    await exchange(service, leased, known)

    await store(service, leased, tick("3EB0A"))
    assert await states(service) == ["uncertain"]

    await store(service, leased, tick("3EB0X"))
    assert await states(service) == ["delivered"]


async def test_a_receipt_under_the_persons_other_address_is_found_when_they_become_one(
    leased: Session, service: Connection
) -> None:
    rows = await service.fetch(
        """insert into wa_outbox (session_id, "to", payload)
        values ($1, $2, '{"text": "oi"}') returning id::text""",
        leased.id,
        BOBS_PHONE,
    )
    await exchange(service, leased)
    await forget(service, leased, *(row["id"] for row in rows))
    await store(service, leased, tick("3EB0A", chat_jid=BOB))
    assert await states(service) == ["uncertain"]

    alias = {"aliases": [{"lid": BOB, "phone": BOBS_PHONE}]}
    await store(service, leased, alias)

    assert await states(service) == ["delivered"]


async def test_whether_a_row_is_in_doubt_is_told_by_a_small_index(
    leased: Session, service: Connection
) -> None:
    await service.execute("set enable_seqscan = off")
    definition = await service.fetchval(
        "select prosrc from pg_proc where proname = 'has_uncertain_outbox'"
    )
    query = definition.replace("p_session_id", f"'{leased.id}'")

    plan = "\n".join(await column(service, f"explain {query}"))

    assert "wa_outbox_uncertain_idx" in plan


async def test_a_message_of_bobs_with_such_an_id_is_no_receipt(
    leased: Session, service: Connection
) -> None:
    await lose(service, leased, "one")

    await store(service, leased, messages(message("3EB0A")))

    assert await states(service) == ["uncertain"]
