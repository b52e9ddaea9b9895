"""Everything inbound: once, in order, whatever comes first and however often."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable

import asyncpg
import pytest

from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    FAMILY,
    column,
    message,
    messages,
    ours,
    receipt,
)
from tests.database.scene import Connection, Database, Session, claim, store

# --- Messages ----------------------------------------------------------------------------


async def test_a_batch_brings_people_chats_and_messages(
    leased: Session, service: Connection
) -> None:
    counts = await store(
        service,
        leased,
        {
            "aliases": [{"lid": BOB, "phone": BOBS_PHONE}],
            "contacts": [
                {"jid": BOB, "push_name": "Bob", "phone_number": "5521987654321"}
            ],
            "chats": [{"jid": FAMILY, "kind": "group", "name": "Família"}],
            "messages": [message("A"), message("B", chat_jid=FAMILY)],
            "receipts": [],
        },
    )

    assert tuple(counts.values()) == (2, 0, 1)
    chats = await service.fetch(
        "select chat.jid, chat.kind, chat.name, contact.display_name, unread_count"
        " from wa_chats as chat left join wa_contacts as contact"
        " on contact.id = chat.contact_id order by chat.jid"
    )
    assert [tuple(row.values()) for row in chats] == [
        (FAMILY, "group", "Família", None, 1),
        (BOB, "direct", None, "Bob", 1),
    ]
    assert set(await column(service, "select workspace_id::text from wa_messages")) == {
        leased.workspace_id
    }


@pytest.mark.parametrize("batches", [1, 2])
async def test_what_could_not_be_decrypted_is_replaced_when_it_comes_again(
    leased: Session, service: Connection, batches: int
) -> None:
    placeholder = message("A", kind="undecryptable", body=None)
    resent = message("A", body="oi", mentions=["9@lid"], quoted_whatsapp_id="Z")

    if batches == 1:
        await store(service, leased, messages(placeholder, resent))
    else:
        await store(service, leased, messages(placeholder))
        await store(service, leased, messages(resent))
    # A retry of the store comes late: what was said stays.
    await store(service, leased, messages(placeholder))

    rows = await service.fetch(
        "select message.kind, body, quoted_whatsapp_id, mentions,"
        " last_message_preview, last_message_kind, unread_count"
        " from wa_messages as message join wa_chats as chat on chat.id = chat_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("text", "oi", "Z", ["9@lid"], "oi", "text", 1)
    ]


async def test_a_message_repeated_in_its_batch_stands_where_it_came_first(
    leased: Session, service: Connection
) -> None:
    placeholder = message("A", kind="undecryptable", body=None)
    resent = message("A", body="oi")

    await store(service, leased, messages(placeholder, message("B"), resent))

    assert await column(
        service, "select whatsapp_id from wa_messages order by seq"
    ) == [
        "A",
        "B",
    ]


async def test_storing_twice_is_storing_once(
    leased: Session, service: Connection
) -> None:
    batch = messages(message("A"), message("B"), message("A"))

    first = await store(service, leased, batch)
    again = await store(service, leased, batch)

    assert (first["messages"], again["messages"]) == (2, 0)
    assert await column(service, "select unread_count from wa_chats") == [2]


async def test_messages_keep_the_order_they_arrived_in(
    leased: Session, service: Connection
) -> None:
    names = [f"{n:03}" for n in range(50)]
    await store(service, leased, messages(*(message(name) for name in names[:30])))
    await store(service, leased, messages(*(message(name) for name in names[30:])))

    stored = await column(
        service, "select whatsapp_id from wa_messages order by sent_at, seq"
    )
    assert stored == names
    assert await column(service, "select last_message_preview from wa_chats") == [
        "text 049"
    ]


async def test_history_is_not_unread_and_does_not_hide_what_is_newer(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("new")))
    await store(
        service,
        leased,
        messages(message("old", sent_at="2025-12-24T12:00:00Z", source="history")),
    )

    chat = await service.fetchrow("select * from wa_chats")
    assert chat is not None
    assert (chat["unread_count"], chat["last_message_preview"]) == (1, "text new")


async def test_a_batch_is_stored_wholly_or_not_at_all(
    leased: Session, service: Connection
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await store(
            service, leased, messages(message("A"), message("B", status="teleported"))
        )

    assert await column(service, "select 1 from wa_messages") == []


async def test_overlapping_batches_at_once_give_each_message_one_row(
    database: Database, leased: Session, service: Connection
) -> None:
    async def stores(names: Iterable[int], chat_jid: str) -> None:
        async with database.as_service() as connection:
            for n in names:
                batch = ALIAS | messages(
                    *(message(f"{m}", chat_jid=chat_jid) for m in range(n, n + 10))
                )
                await store(connection, leased, batch)

    await asyncio.gather(
        stores(range(0, 40, 5), BOB),
        stores(range(35, -1, -5), BOBS_PHONE),
        stores(range(2, 42, 5), BOB),
    )

    stored = await column(service, "select whatsapp_id from wa_messages")
    assert sorted(stored, key=int) == [str(n) for n in range(47)]
    assert await column(service, "select unread_count from wa_chats") == [47]


async def test_two_tenants_with_the_same_contact_do_not_meet(
    database: Database, leased: Session, service: Connection
) -> None:
    other = await database.session()
    assert await claim(service, "connector-a", held=[leased.id]) == {other.id: 1}
    batch = messages(message("A"))

    await store(service, leased, batch)
    await store(service, other, batch)

    async with database.as_member(other.owner) as member:
        assert await column(member, "select session_id::text from wa_messages") == [
            other.id
        ]


# --- Terms -------------------------------------------------------------------------------


async def test_what_was_received_under_an_earlier_term_is_still_true(
    leased: Session, service: Connection
) -> None:
    assert await claim(service, "connector-a") == {leased.id: 2}

    assert (await store(service, leased, messages(message("A")), term=1))["messages"]
    assert (await store(service, leased, messages(message("B")), term=2))["messages"]


@pytest.mark.parametrize("term", [-1, 0, 2, 99])
async def test_a_term_that_never_was_is_refused(
    leased: Session, service: Connection, term: int
) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await store(service, leased, messages(message("A")), term=term)

    assert refusal.value.sqlstate == "ZB001"


async def test_a_session_that_was_deleted_takes_nothing(service: Connection) -> None:
    nowhere = Session(id=str(uuid.uuid4()), workspace_id="", owner="")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await store(service, nowhere, messages(message("A")))

    assert refusal.value.sqlstate == "ZB001"


# --- Receipts ----------------------------------------------------------------------------


async def test_receipts_only_move_forward(leased: Session, service: Connection) -> None:
    await store(service, leased, messages(ours("A")))
    for status in ("read", "delivered", "played", "read"):
        await store(service, leased, {"receipts": [receipt("A", status)]})

    assert await column(service, "select status from wa_messages") == ["played"]
    row = await service.fetchrow("select * from wa_receipts")
    assert row is not None
    assert row["status"] == "played"
    assert None not in (row["delivered_at"], row["read_at"], row["played_at"])


async def test_a_receipt_may_come_before_its_message(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, {"receipts": [receipt("A", "read")]})
    await store(service, leased, messages(ours("A")))

    assert await column(service, "select status from wa_messages") == ["read"]


async def test_a_receipt_does_not_touch_what_the_other_side_said(
    leased: Session, service: Connection
) -> None:
    batch = messages(message("A"), ours("A")) | {"receipts": [receipt("A", "read")]}
    await store(service, leased, batch)

    statuses = await service.fetch("select from_me, status from wa_messages")
    assert {tuple(row.values()) for row in statuses} == {
        (False, "delivered"),
        (True, "read"),
    }


async def test_everybody_in_a_group_ticks_for_themselves(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(ours("A", chat_jid=FAMILY)))
    ticks = [
        receipt("A", "delivered", chat_jid=FAMILY),
        receipt("A", "read", chat_jid=FAMILY, participant_jid="2@lid"),
    ]
    await store(service, leased, {"receipts": ticks})

    rows = await service.fetch(
        "select participant_jid, status from wa_receipts order by participant_jid"
    )
    assert [tuple(row.values()) for row in rows] == [
        (BOB, "delivered"),
        ("2@lid", "read"),
    ]
    assert await column(service, "select status from wa_messages") == ["read"]


# --- Broadcasts --------------------------------------------------------------------------


async def announced(database: Database) -> list[asyncpg.Record]:
    async with database.as_postgres() as connection:
        return await connection.fetch(
            "select topic, event, private, payload - 'id' as payload"
            " from realtime.messages where topic like 'wa:workspace:%'"
        )


async def test_a_workspace_hears_of_the_newest_message_of_each_chat(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A"), message("B")))
    await store(service, leased, messages(message("A"), message("B")))

    (heard,) = await announced(database)
    newest = await service.fetchrow(
        "select * from wa_messages order by seq desc limit 1"
    )
    assert newest is not None
    assert (heard["event"], heard["private"]) == ("message_stored", True)
    assert heard["topic"] == f"wa:workspace:{leased.workspace_id}"
    assert heard["payload"] == {
        "session_id": leased.id,
        "chat_id": str(newest["chat_id"]),
        "message_id": str(newest["id"]),
    }


async def test_a_flood_over_many_chats_is_one_broadcast(
    database: Database, leased: Session, service: Connection
) -> None:
    flood = [
        message(f"{n}", chat_jid=f"{n}@lid", sender_jid=f"{n}@lid")
        for n in range(1, 60)
    ]
    await store(service, leased, messages(*flood))

    (heard,) = await announced(database)
    assert heard["payload"] == {
        "session_id": leased.id,
        "chat_id": None,
        "message_id": None,
    }
