"""What a chat counts as unread, and what it shows as its newest message."""

from __future__ import annotations

import pytest

from tests.database.circumstances import at, chat
from tests.database.conversation import BOB, message, messages, ours
from tests.database.scene import Connection, Database, Row, Session, store


@pytest.mark.parametrize(
    "said",
    [
        ours("A"),
        message("A", source="history"),
        message("A", kind="system", body=None),
    ],
    ids=["ours", "history", "system"],
)
async def test_what_nobody_has_to_read_is_not_unread(
    leased: Session, service: Connection, said: Row
) -> None:
    await store(service, leased, messages(said))

    assert (await chat(service, BOB))["unread_count"] == 0


async def test_reading_on_the_phone_leaves_what_came_after_it(
    leased: Session, service: Connection
) -> None:
    said = messages(*(message(f"{n}", sent_at=at(n)) for n in range(1, 5)))
    read = {"own_reads": [{"chat_jid": BOB, "at": at(3)}]}
    await store(service, leased, said | read)
    assert (await chat(service, BOB))["unread_count"] == 1

    # A late message of the time before, and the same reading told again: nothing is unread anew.
    await store(service, leased, messages(message("late", sent_at=at(2))))
    await store(service, leased, {"own_reads": [{"chat_jid": BOB, "at": at(1)}]})

    assert (await chat(service, BOB))["unread_count"] == 1


async def test_what_a_member_has_read_stays_read_when_more_of_that_time_comes(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("B", sent_at=at(2))))
    async with database.as_member(leased.owner) as member:
        await member.execute("update wa_chats set unread_count = 0")

    await store(service, leased, messages(message("A", sent_at=at(1))))
    assert (await chat(service, BOB))["unread_count"] == 0
    await store(service, leased, messages(message("C", sent_at=at(3))))
    assert (await chat(service, BOB))["unread_count"] == 1


async def test_a_message_without_words_is_shown_by_its_kind(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", kind="image", body=None)))

    shown = await chat(service, BOB)
    assert (shown["last_message_preview"], shown["last_message_kind"]) == (
        None,
        "image",
    )


@pytest.mark.parametrize(
    ("jid", "kind", "contacts"),
    [
        ("status@broadcast", "status", 1),
        ("123@newsletter", "newsletter", 1),
        ("123@g.us", "group", 1),
        ("7@lid", "direct", 2),
    ],
)
async def test_each_kind_of_chat_is_told_by_its_address(
    leased: Session, service: Connection, jid: str, kind: str, contacts: int
) -> None:
    await store(service, leased, messages(message("A", chat_jid=jid)))

    assert (await chat(service, jid))["kind"] == kind
    assert await service.fetchval("select count(*) from wa_contacts") == contacts
