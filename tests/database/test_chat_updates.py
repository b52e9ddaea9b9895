"""Chats' names and settings: the newest counts, and history gives way to everything else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.database.circumstances import at, chat, tell, update
from tests.database.conversation import ALIAS, BOB, BOBS_PHONE, FAMILY, message
from tests.database.scene import Connection, Database, Session, store


def moment(second: int) -> datetime:
    return datetime.fromisoformat(at(second))


async def test_what_is_told_changes_and_nothing_else(
    leased: Session, service: Connection
) -> None:
    await tell(
        service,
        leased,
        chat_updates=[
            update(
                1,
                name="Família",
                description="Só fotos",
                announcements_only=True,
                disappearing_seconds=86400,
                archived=True,
                pinned=True,
                muted_until="infinity",
                left=True,
            )
        ],
    )
    await tell(service, leased, chat_updates=[update(2, archived=False, pinned=False)])

    family = await chat(service)
    assert family["kind"] == "group"
    assert (family["name"], family["description"]) == ("Família", "Só fotos")
    assert family["announcements_only"]
    assert family["disappearing_seconds"] == 86400
    assert not family["archived"]
    assert family["pinned_at"] is None
    assert await service.fetchval("select muted_until = 'infinity' from wa_chats")
    assert family["left_at"] == moment(1)


async def test_each_column_has_a_newest_of_its_own(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, chat_updates=[update(5, name="New")])
    await tell(service, leased, chat_updates=[update(3, name="Old", description="d")])

    family = await chat(service)
    assert (family["name"], family["description"]) == ("New", "d")


@pytest.mark.parametrize("no_timer", [0, None])
async def test_what_is_taken_back_is_gone(
    leased: Session, service: Connection, no_timer: int | None
) -> None:
    before = update(
        1,
        description="d",
        muted_until="2027-01-01T00:00:00Z",
        disappearing_seconds=604800,
        left=True,
        pinned=True,
    )
    after = update(
        2,
        description=None,
        muted_until=None,
        disappearing_seconds=no_timer,
        left=False,
        pinned=False,
    )
    await tell(service, leased, chat_updates=[before, after])

    family = await chat(service)
    assert family["description"] is None
    assert family["muted_until"] is None
    assert family["disappearing_seconds"] is None
    assert family["left_at"] is None
    assert family["pinned_at"] is None


async def test_history_never_undoes_what_the_phone_says_now(
    leased: Session, service: Connection
) -> None:
    history = update(9, from_history=True, name="Then", archived=True, description="d")
    await tell(service, leased, chat_updates=[update(1, name="Now", archived=False)])
    await tell(service, leased, chat_updates=[history])

    family = await chat(service)
    assert (family["name"], family["archived"]) == ("Now", False)
    assert family["description"] == "d"


@pytest.mark.parametrize(
    "columns",
    [
        {"name": None},
        {"name": 3},
        {"archived": "yes"},
        {"muted_until": "tomorrow"},
        {"disappearing_seconds": "long"},
        {"id": "00000000-0000-0000-0000-000000000000"},
        {"workspace_id": "00000000-0000-0000-0000-000000000000"},
    ],
)
async def test_a_column_or_value_that_cannot_be_says_nothing(
    leased: Session, service: Connection, columns: dict[str, Any]
) -> None:
    await tell(service, leased, chat_updates=[update(1, description="kept", **columns)])

    family = await chat(service)
    assert family["description"] == "kept"
    assert family["name"] is None
    assert not family["archived"]
    assert str(family["workspace_id"]) == leased.workspace_id


async def test_absurd_numbers_do_no_harm(leased: Session, service: Connection) -> None:
    absurd = update(1, jid=BOB, unread_count=10**30, disappearing_seconds=10**30)
    await tell(service, leased, chat_updates=[absurd])

    bob = await chat(service, BOB)
    assert bob["unread_count"] == 100_000
    assert bob["disappearing_seconds"] is None


async def test_a_chat_may_be_named_by_either_address(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, ALIAS)
    await tell(service, leased, chat_updates=[update(1, jid=BOBS_PHONE, archived=True)])

    assert (await chat(service, BOB))["archived"]


async def test_settings_follow_a_chat_to_its_other_address(
    leased: Session, service: Connection
) -> None:
    await tell(
        service,
        leased,
        chat_updates=[
            update(2, jid=BOBS_PHONE, archived=True, pinned=False),
            update(1, jid=BOB, archived=False, pinned=True),
        ],
    )
    await store(service, leased, ALIAS)

    bob = await chat(service, BOB)
    assert bob["archived"]
    assert bob["pinned_at"] is None


# --- What is unread -------------------------------------------------------------------


async def test_what_was_unread_when_the_number_was_linked_counts_until_the_chat_is_read(
    leased: Session, service: Connection
) -> None:
    linked = update(1, jid=BOB, from_history=True, unread_count=3)
    await store(service, leased, {"messages": [message("A")]})
    await tell(service, leased, chat_updates=[linked])
    await tell(service, leased, chat_updates=[linked])

    assert (await chat(service, BOB))["unread_count"] == 4

    await tell(service, leased, own_reads=[{"chat_jid": BOB, "at": at(0)}])
    await tell(service, leased, chat_updates=[linked | {"as_of": at(30)}])

    assert (await chat(service, BOB))["unread_count"] == 0


async def test_it_is_counted_once_when_two_chats_become_one(
    leased: Session, service: Connection
) -> None:
    for jid in (BOB, BOBS_PHONE):
        linked = update(1, jid=jid, from_history=True, unread_count=3)
        await tell(service, leased, chat_updates=[linked])
    await store(service, leased, ALIAS)

    assert (await chat(service, BOB))["unread_count"] == 3


@pytest.mark.parametrize("who", ["a member", "a server of the app"])
async def test_setting_unread_count_to_0_reads_the_chat_as_far_as_it_goes(
    database: Database, leased: Session, service: Connection, who: str
) -> None:
    await store(service, leased, {"messages": [message("A", sent_at=at(5))]})

    role = (
        database.as_member(leased.owner) if who == "a member" else database.as_service()
    )
    async with role as reader:
        await reader.execute("update wa_chats set unread_count = 0")

    bob = await chat(service, BOB)
    assert (bob["unread_count"], bob["read_up_to"]) == (0, moment(5))

    late = message("B", sent_at=at(4))
    await store(service, leased, {"messages": [late, message("C", sent_at=at(6))]})

    assert (await chat(service, BOB))["unread_count"] == 1


async def test_own_messages_and_news_of_a_chat_read_nothing(
    leased: Session, service: Connection
) -> None:
    await tell(service, leased, chat_updates=[update(1, jid=BOB, unread_count=0)])
    mine = message("A", from_me=True, source="phone", status="sent")
    await store(service, leased, {"messages": [mine]})

    assert (await chat(service, BOB))["read_up_to"] is None
    assert FAMILY not in [
        row["jid"] for row in await service.fetch("select jid from wa_chats")
    ]
