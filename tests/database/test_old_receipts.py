"""Receipts and changes of long ago: gone where they say nothing that is not said elsewhere."""

from __future__ import annotations

from typing import Any

from tests.database.conversation import (
    BOB,
    CAROL,
    FAMILY,
    edit,
    message,
    ours,
    receipt,
)
from tests.database.housekeeping import (
    a_day_later,
    as_operator,
    count,
    rule,
    tidy,
    tidy_up,
)
from tests.database.outbox import queue, sent
from tests.database.scene import Connection, Database, Session, exchange, store

GROUP = {"jid": FAMILY, "kind": "group"}
DIRECT = {"jid": BOB, "kind": "direct"}


async def days_pass(database: Database, days: int) -> None:
    """Since everything that was got and read so far."""
    await as_operator(
        database,
        "update wa_receipts set"
        " delivered_at = now() - make_interval(days => $1)"
        " where delivered_at is not null",
        days,
    )
    await as_operator(
        database,
        "update wa_receipts set read_at = now() - make_interval(days => $1)"
        " where read_at is not null",
        days,
    )


async def tell(connection: Connection, session: Session, **batch: Any) -> None:
    await store(connection, session, {"chats": [GROUP, DIRECT], **batch})


async def test_who_got_a_message_in_a_group_is_forgotten_and_its_status_stays(
    database: Database, leased: Session, service: Connection
) -> None:
    await tell(
        service,
        leased,
        messages=[ours("A", chat_jid=FAMILY), ours("B")],
        receipts=[
            receipt("A", "delivered", chat_jid=FAMILY, participant_jid=BOB),
            receipt("A", "read", chat_jid=FAMILY, participant_jid=CAROL),
            receipt("B", "read"),
        ],
    )
    await days_pass(database, 29)
    assert await tidy_up(service) == {}

    await days_pass(database, 31)
    await a_day_later(database)
    assert await tidy_up(service) == {"walk_receipts": 2}

    # Of a chat with one person there is one receipt a message: when they read it.
    assert await count(service, "wa_receipts", "whatsapp_id = 'B'") == 1
    statuses = await service.fetch("select status from wa_messages order by seq")
    assert [row["status"] for row in statuses] == ["read", "read"]


async def test_what_the_message_does_not_say_yet_is_kept(
    database: Database, leased: Session, service: Connection
) -> None:
    await tell(
        service,
        leased,
        messages=[ours("A", chat_jid=FAMILY)],
        receipts=[receipt("A", "read", chat_jid=FAMILY)],
    )
    await days_pass(database, 31)
    await as_operator(database, "update wa_messages set status = 'delivered'")

    assert await tidy_up(service) == {}


async def test_a_late_receipt_makes_nothing_later(
    database: Database, leased: Session, service: Connection
) -> None:
    (row_id,) = await queue(service, leased, "hello")
    await as_operator(database, "update wa_chats set jid = $1, kind = 'group'", FAMILY)
    await exchange(service, leased)
    await exchange(service, leased, sent(row_id), limit=0)
    first = receipt("3EB0", "read", chat_jid=FAMILY, at="2026-01-02T12:00:05Z")
    await tell(service, leased, receipts=[first])
    before = await service.fetchrow("select * from wa_outbox")
    await days_pass(database, 31)
    assert await tidy_up(service) == {"walk_receipts": 1}

    for status in ("delivered", "read"):
        late = receipt(
            *("3EB0", status), chat_jid=FAMILY, participant_jid=CAROL, at="2026-03-01Z"
        )
        await tell(service, leased, receipts=[late])

    after = await service.fetchrow("select * from wa_outbox")
    assert before is not None
    assert after is not None
    assert (after["state"], after["delivered_at"], after["read_at"]) == (
        "read",
        before["delivered_at"],
        before["read_at"],
    )
    assert before["read_at"] is not None


async def test_receipts_of_what_nobody_knows_go_after_a_month(
    database: Database, leased: Session, service: Connection
) -> None:
    await queue(service, leased, "hello")
    await as_operator(
        database, "update wa_outbox set whatsapp_id = 'OURS', message_id = null"
    )
    await as_operator(database, "delete from wa_messages")
    receipts = [receipt(name, "read") for name in ("OURS", "NOBODYS")]
    await tell(service, leased, receipts=receipts)
    await days_pass(database, 29)
    assert await tidy_up(service) == {}

    await days_pass(database, 31)
    await a_day_later(database)
    assert await tidy_up(service) == {"walk_receipts": 1}

    # A reaction of ours has no message: its row of the outbox knows it.
    assert await count(service, "wa_receipts", "whatsapp_id = 'OURS'") == 1


async def test_an_operator_may_keep_them_all(
    database: Database, leased: Session, service: Connection
) -> None:
    await tell(
        service,
        leased,
        messages=[ours("A", chat_jid=FAMILY)],
        receipts=[
            receipt("A", "read", chat_jid=FAMILY),
            receipt("X", "read", chat_jid=FAMILY),
        ],
    )
    await days_pass(database, 1000)
    await rule(database, "group_receipts", None)
    await rule(database, "orphaned_receipts", None)

    assert await tidy_up(service) == {}


async def test_a_walk_looks_at_everything_a_little_at_a_time_and_once_a_day(
    database: Database, leased: Session, service: Connection
) -> None:
    names = [f"M{n}" for n in range(7)]
    known = [ours(name, chat_jid=FAMILY) for name in names[:3]]
    receipts = [receipt(name, "read", chat_jid=FAMILY) for name in names]
    await tell(service, leased, messages=known, receipts=receipts)
    await days_pass(database, 20)

    answers = [await tidy(service, limit=3) for _ in range(3)]
    assert [answer["more"] for answer in answers] == [True, True, False]

    await days_pass(database, 31)
    assert await tidy_up(service, limit=3) == {}
    await a_day_later(database)
    assert await tidy_up(service, limit=3) == {"walk_receipts": 7}


async def test_edits_of_messages_that_never_came_go_after_90_days(
    database: Database, leased: Session, service: Connection
) -> None:
    edits = [
        edit(name, f"E{n}", body="new") for name in ("HERE", "GONE") for n in range(3)
    ]
    await tell(service, leased, messages=[message("HERE")], edits=edits)
    aged = (
        "update wa_private.message_changes"
        " set changed_at = now() - make_interval(days => $1)"
    )
    await as_operator(database, aged, 89)
    assert await tidy_up(service, limit=2) == {}

    await as_operator(database, aged, 91)
    await a_day_later(database)
    assert await tidy_up(service, limit=2) == {"walk_message_changes": 3}

    left = "whatsapp_id = 'HERE'"
    assert await count(service, "wa_private.message_changes", left) == 3
