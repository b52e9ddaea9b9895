"""Any order, repetition and cutting into batches of one conversation ends in the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    FAMILY,
    message,
    ours,
    receipt,
)
from tests.database.scene import Connection, Row, Session, store

# Bob is known by either address; who learns the mapping when must make no difference.
BY_EITHER = [
    {"chat_jid": BOB, "sender_jid": BOB},
    {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE},
]
EVENTS: Sequence[Row] = [
    ALIAS,
    *(
        {"messages": [message(name, **who)]}
        for name, sent_at in (
            ("A", "2026-01-02T12:00:01Z"),
            ("B", "2026-01-02T12:00:02Z"),
        )
        for who in [by | {"sent_at": sent_at} for by in BY_EITHER]
    ),
    {
        "messages": [
            message(
                "A", source="history", sender_name=None, sent_at="2026-01-02T12:00:01Z"
            )
        ]
    },
    {"messages": [ours("C", sent_at="2026-01-02T12:00:03Z")]},
    {"messages": [ours("C", chat_jid=BOBS_PHONE, sent_at="2026-01-02T12:00:03Z")]},
    {
        "messages": [
            ours(
                "C",
                source="history",
                status="delivered",
                sent_at="2026-01-02T12:00:03Z",
            )
        ]
    },
    {"messages": [ours("D", chat_jid=FAMILY, sent_at="2026-01-02T12:00:04Z")]},
    {"receipts": [receipt("C", "delivered", at="2026-01-02T12:00:05Z")]},
    {
        "receipts": [
            receipt(
                "C",
                "read",
                chat_jid=BOBS_PHONE,
                participant_jid=BOBS_PHONE,
                at="2026-01-02T12:00:06Z",
            )
        ]
    },
    {"receipts": [receipt("C", "read", at="2026-01-02T12:00:07Z")]},
    {
        "receipts": [
            receipt(
                "D",
                "played",
                chat_jid=FAMILY,
                participant_jid=BOBS_PHONE,
                at="2026-01-02T12:00:08Z",
            )
        ]
    },
    {
        "receipts": [
            receipt("D", "delivered", chat_jid=FAMILY, at="2026-01-02T12:00:08Z")
        ]
    },
    {"receipts": [receipt("unknown", "read", at="2026-01-02T12:00:09Z")]},
    {"contacts": [{"jid": BOB, "push_name": "Bob"}]},
    {"contacts": [{"jid": BOBS_PHONE, "phone_number": "5521987654321"}]},
    {"chats": [{"jid": FAMILY, "kind": "group", "name": "Família"}]},
]
PARTS = ("aliases", "contacts", "chats", "messages", "receipts")


def batches(order: Sequence[int], cuts: Sequence[bool]) -> list[dict[str, Any]]:
    """Events in `order`, a new batch begun where `cuts` says so."""
    cut_up: list[dict[str, Any]] = []
    for place, index in enumerate(order):
        if not cut_up or cuts[place % len(cuts)]:
            cut_up.append({part: [] for part in PARTS})
        for part, rows in EVENTS[index].items():
            cut_up[-1][part] += rows
    return cut_up


async def rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that apps see of a conversation, without what names the row itself."""
    queries = {
        "contacts": "select jid, phone_number, push_name, display_name from wa_contacts",
        "chats": """select chat.jid, kind, name, contact.jid, unread_count, last_message_at,
            last_message_preview, last_message_from_me
            from wa_chats as chat left join wa_contacts as contact on contact.id = contact_id""",
        "messages": """select chat.jid, whatsapp_id, from_me, sender_jid, contact.jid, sender_name,
            body, sent_at, status, source
            from wa_messages as message inner join wa_chats as chat on chat.id = chat_id
            left join wa_contacts as contact on contact.id = sender_contact_id""",
        "receipts": """select chat.jid, whatsapp_id, participant_jid, status, delivered_at, read_at,
            played_at from wa_receipts inner join wa_chats as chat on chat.id = chat_id""",
    }
    return {
        name: sorted(
            (tuple(row.values()) for row in await connection.fetch(query)), key=repr
        )
        for name, query in queries.items()
    }


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    order=st.lists(st.sampled_from(range(len(EVENTS))), min_size=1, max_size=30),
    cuts=st.lists(st.booleans(), min_size=1, max_size=10),
)
async def test_order_repetition_and_cutting_make_no_difference(
    leased: Session, service: Connection, order: list[int], cuts: list[bool]
) -> None:
    each_once = sorted(set(order))

    expected = await stored(service, leased, batches(each_once, [False]))

    assert await stored(service, leased, batches(order, cuts)) == expected


async def stored(
    connection: Connection, session: Session, given_batches: Sequence[Row]
) -> dict[str, list[tuple[Any, ...]]]:
    """What is there after storing, which then is undone."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        for batch in given_batches:
            await store(connection, session, batch)
        return await rows(connection)
    finally:
        await attempt.rollback()
