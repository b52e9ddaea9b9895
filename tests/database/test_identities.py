"""One person with two addresses: what was kept under both becomes one."""

from __future__ import annotations

from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    column,
    message,
    messages,
    ours,
    receipt,
)
from tests.database.scene import Connection, Database, Session, exchange, store


async def test_a_mapping_renames_what_was_known_by_the_number_alone(
    leased: Session, service: Connection
) -> None:
    theirs = {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE}
    await store(service, leased, messages(message("A", **theirs)))
    chat = await column(service, "select id from wa_chats")

    await store(service, leased, ALIAS)

    assert await column(service, "select id from wa_chats") == chat
    assert await column(service, "select jid from wa_chats") == [BOB]
    assert await column(service, "select sender_jid from wa_messages") == [BOB]
    contact = await service.fetchrow("select * from wa_contacts")
    assert contact is not None
    assert (contact["jid"], contact["phone_number"]) == (BOB, "5521987654321")


BY_NUMBER = {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE}


async def test_a_mapping_joins_two_chats_with_all_that_was_said_and_ticked(
    leased: Session, service: Connection
) -> None:
    by_number = messages(
        message("A", **BY_NUMBER),
        message("both", **BY_NUMBER),
        ours("mine", chat_jid=BOBS_PHONE),
    )
    early_tick = {"receipts": [receipt("later", "read", chat_jid=BOBS_PHONE)]}
    by_lid = messages(message("B"), message("both"), ours("later"))
    ticks = {"receipts": [receipt("mine", "read"), receipt("mine", "played")]}
    await store(service, leased, by_number | early_tick)
    await store(service, leased, by_lid | ticks)

    await store(service, leased, ALIAS)

    assert await column(service, "select jid from wa_chats") == [BOB]
    assert await column(service, "select unread_count from wa_chats") == [3]
    stored = await service.fetch("select whatsapp_id, status from wa_messages")
    assert sorted(tuple(row.values()) for row in stored) == [
        ("A", "delivered"),
        ("B", "delivered"),
        ("both", "delivered"),
        ("later", "read"),
        ("mine", "played"),
    ]


async def test_a_mapping_joins_two_people_with_the_apps_labels_of_both(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", **BY_NUMBER), message("B")))
    async with database.as_member(leased.owner) as member:
        for jid, tag in ((BOB, "vip"), (BOBS_PHONE, "lead")):
            await member.execute(
                "update wa_contacts set tags = $2, fields = $3 where jid = $1",
                jid,
                [tag],
                {tag: True},
            )

    await store(service, leased, ALIAS)

    (contact,) = await service.fetch("select * from wa_contacts")
    assert contact["jid"] == BOB
    assert contact["phone_number"] == "5521987654321"
    assert contact["tags"] == ["lead", "vip"]
    assert contact["fields"] == {"vip": True, "lead": True}
    senders = await column(service, "select sender_contact_id from wa_messages")
    assert senders == [contact["id"], contact["id"]]


async def test_what_was_to_be_sent_to_either_address_goes_to_the_one_chat(
    database: Database, leased: Session, service: Connection
) -> None:
    async with database.as_member(leased.owner) as member:
        for to in (BOB, BOBS_PHONE):
            await member.execute(
                'insert into wa_outbox (session_id, "to", payload) values ($1, $2, $3)',
                leased.id,
                to,
                {"text": f"to {to}"},
            )

    await store(service, leased, ALIAS)

    (chat,) = await column(service, "select id from wa_chats")
    assert await column(service, "select distinct to_jid from wa_outbox") == [BOB]
    assert await column(service, "select chat_id from wa_outbox") == [chat, chat]
    assert await column(service, "select chat_id from wa_messages") == [chat, chat]
    claimed = await exchange(service, leased, limit=2)
    assert [row["chat_jid"] for row in claimed] == [BOB, BOB]


async def test_a_number_that_changed_hands_is_another_person(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, ALIAS | messages(message("A")))
    await store(
        service,
        leased,
        {"aliases": [{"lid": "2@lid", "phone": BOBS_PHONE}]}
        | messages(message("B", chat_jid=BOBS_PHONE, sender_jid=BOBS_PHONE)),
    )

    assert await column(service, "select jid from wa_chats order by jid") == [
        BOB,
        "2@lid",
    ]
