"""One person with two addresses: what was kept under both becomes one."""

from __future__ import annotations

import pytest

from tests.database.circumstances import at, chat
from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    CAROL,
    FAMILY,
    column,
    edit,
    message,
    messages,
    ours,
    reaction,
    receipt,
    revoke,
    vote,
)
from tests.database.files import files, picture
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


async def test_a_mapping_loses_no_name_of_a_chat(
    leased: Session, service: Connection
) -> None:
    for jid, name in ((BOBS_PHONE, "Bob"), (BOB, None)):
        named = {"jid": jid, "kind": "direct", "name": name}
        await store(service, leased, {"chats": [named]})

    await store(service, leased, ALIAS)

    assert await column(service, "select name from wa_chats") == ["Bob"]


async def test_history_brings_back_no_name_that_somebody_had_before(
    leased: Session, service: Connection
) -> None:
    calls_himself = {"jid": BOB, "push_name": "Bob"}
    once = [{"jid": BOB, "past_name": "Roberto"}, {"jid": CAROL, "past_name": "Carol"}]
    await store(service, leased, {"contacts": [calls_himself]})

    await store(service, leased, {"contacts": once})

    names = await service.fetch("select jid, push_name from wa_contacts")
    assert dict(names) == {BOB: "Bob", CAROL: "Carol"}  # type: ignore[arg-type]


async def test_of_two_numbers_the_one_that_was_learned_last_is_shown(
    leased: Session, service: Connection
) -> None:
    newer = "5511987654321@s.whatsapp.net"
    both = [{"lid": BOB, "phone": BOBS_PHONE}, {"lid": BOB, "phone": newer}]

    await store(service, leased, {"aliases": both, "contacts": [{"jid": BOB}]})

    numbers = await column(service, "select phone_number from wa_contacts")
    assert numbers == ["5511987654321"]


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


@pytest.mark.parametrize("spoken", [BOB, BOBS_PHONE])
@pytest.mark.parametrize("change", ["edit", "deletion"])
async def test_changes_by_one_address_count_for_messages_by_the_other(
    leased: Session, service: Connection, spoken: str, change: str
) -> None:
    done_by = BOBS_PHONE if spoken == BOB else BOB
    said = messages(message("A", chat_jid=FAMILY, sender_jid=spoken))
    if change == "edit":
        done = {"edits": [edit("A", "E", chat_jid=FAMILY, sender_jid=done_by)]}
    else:
        done = {"revokes": [revoke("A", chat_jid=FAMILY, revoked_by_jid=done_by)]}
    await store(service, leased, said | done)
    changed = "select edited_at is not null or revoked_at is not null from wa_messages"
    assert await column(service, changed) == [False]

    await store(service, leased, ALIAS)

    assert await column(service, changed) == [True]


async def test_a_message_under_both_addresses_keeps_its_file_and_its_versions(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(picture("A") | BY_NUMBER))
    await store(service, leased, messages(picture("A")))
    edits = [edit("A", "E1", edited_at=at(1)), edit("A", "E2", edited_at=at(2))]
    await store(service, leased, {"edits": [edits[0], edits[1] | BY_NUMBER]})

    await store(service, leased, ALIAS)

    assert list(await files(service)) == ["A"]
    assert await column(service, "select body from wa_messages") == ["edit E2"]
    earlier = "select body from wa_message_edits order by version"
    assert await column(service, earlier) == ["text A", "edit E1"]


async def test_reactions_and_votes_follow_and_the_latest_of_both_counts(
    leased: Session, service: Connection
) -> None:
    by_lid = {
        "reactions": [reaction("A", "👍", reacted_at=at(1))],
        "votes": [vote("P", "beach", voted_at=at(2))],
    }
    by_number = {
        "reactions": [reaction("A", "🎉", reacted_at=at(2), **BY_NUMBER)],
        "votes": [vote("P", "home", voted_at=at(1), voter_jid=BOBS_PHONE)],
    }
    await store(service, leased, by_lid)
    await store(service, leased, by_number)

    await store(service, leased, ALIAS)

    assert await column(service, "select emoji from wa_reactions") == ["🎉"]
    assert await column(service, "select options from wa_poll_votes") == [
        by_lid["votes"][0]["options"]
    ]
    contact = await column(service, "select id from wa_contacts")
    assert (
        await column(service, "select sender_contact_id from wa_reactions") == contact
    )
    assert (
        await column(service, "select voter_contact_id from wa_poll_votes") == contact
    )


async def test_what_was_read_under_one_address_is_read_under_the_other(
    leased: Session, service: Connection
) -> None:
    read = {"own_reads": [{"chat_jid": BOBS_PHONE, "at": at(2)}]}
    said = messages(*(message(f"{n}", sent_at=at(n)) for n in range(1, 4)))
    await store(service, leased, said | read)

    await store(service, leased, ALIAS)

    assert (await chat(service, BOB))["unread_count"] == 1


async def test_a_number_that_moved_to_somebody_else_is_shown_of_them_alone(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, ALIAS | {"contacts": [{"jid": BOB}]})
    moved = {"aliases": [{"lid": "7@lid", "phone": BOBS_PHONE}]}

    await store(service, leased, moved | {"contacts": [{"jid": "7@lid"}]})

    numbers = await service.fetch("select jid, phone_number from wa_contacts")
    assert {row["jid"]: row["phone_number"] for row in numbers} == {
        BOB: None,
        "7@lid": "5521987654321",
    }


async def test_a_picture_that_changed_by_number_is_out_of_date_by_lid(
    leased: Session, service: Connection
) -> None:
    seen = messages(message("A"), message("B", **BY_NUMBER))
    changed = {"jid": BOBS_PHONE, "aspect": "picture", "as_of": at(5)}
    await store(service, leased, seen | {"stale": [changed]})

    await store(service, leased, ALIAS)

    looked_up = "select jid from wa_private.look_ups where stale_at is not null"
    assert await column(service, looked_up) == [BOB]


async def test_a_person_keeps_the_picture_that_was_asked_for_last(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, {"contacts": [{"jid": BOB}, {"jid": BOBS_PHONE}]})
    await service.execute(
        "update wa_contacts set avatar_id = '', avatar_checked_at = now() where jid = $1",
        BOB,
    )
    await service.execute(
        "update wa_contacts set avatar_id = 'old', avatar_path = 'old.jpg',"
        " avatar_checked_at = now() - interval '1 day' where jid = $1",
        BOBS_PHONE,
    )

    await store(service, leased, ALIAS)

    picture = await service.fetchrow("select avatar_id, avatar_path from wa_contacts")
    assert picture is not None
    assert tuple(picture.values()) == ("", None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_numbers_own_two_addresses_are_one_as_soon_as_it_is_linked(
    leased: Session, service: Connection, order: tuple[int, int]
) -> None:
    ours_by_phone = "5521900000000@s.whatsapp.net"
    steps = [
        (
            "wa_report_session",
            {"jid": "5521900000000:12@s.whatsapp.net", "lid": "9:12@lid"},
        ),
        (
            "wa_store_batch",
            {
                "reactions": [
                    reaction("A", "👍", from_me=True, sender_jid=ours_by_phone),
                    reaction(
                        "A", "🎉", from_me=True, sender_jid="9@lid", reacted_at=at(9)
                    ),
                ]
            },
        ),
    ]
    for step in order:
        name, given = steps[step]
        await service.execute(f"select * from {name}($1, 1, $2)", leased.id, given)  # noqa: S608

    rows = await service.fetch("select sender_jid, emoji from wa_reactions")
    assert [tuple(row.values()) for row in rows] == [("9@lid", "🎉")]
