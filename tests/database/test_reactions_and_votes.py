"""One reaction and one vote a person: the latest, however they come."""

from __future__ import annotations

import itertools

import pytest

from tests.database.circumstances import at
from tests.database.conversation import (
    BOB,
    CAROL,
    FAMILY,
    US,
    column,
    message,
    messages,
    reaction,
    vote,
)
from tests.database.scene import Connection, Database, Row, Session, store

POLL = message(
    "P",
    chat_jid=FAMILY,
    kind="poll",
    body="Where?",
    content={"options": ["beach", "home"], "selectable": 1},
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_the_latest_reaction_counts_and_an_empty_one_takes_it_back(
    leased: Session, service: Connection, order: tuple[int, ...]
) -> None:
    given = [
        reaction("A", "👍", reacted_at=at(1)),
        reaction("A", "🎉", reacted_at=at(2)),
        reaction("A", "", reacted_at=at(3)),
    ]
    for index in order:
        await store(service, leased, {"reactions": [given[index], given[order[0]]]})

    assert await column(service, "select emoji from wa_reactions") == [""]


async def test_everybody_reacts_for_themselves_and_nothing_becomes_unread(
    leased: Session, service: Connection
) -> None:
    reactions = [
        reaction("A", "👍"),
        reaction("A", "😮", sender_jid=CAROL),
        reaction("A", "❤", sender_jid=US, from_me=True),
    ]
    await store(service, leased, {"reactions": reactions})

    rows = await service.fetch(
        "select emoji, contact.jid from wa_reactions"
        " left join wa_contacts as contact on contact.id = sender_contact_id"
    )
    assert {tuple(row.values()) for row in rows} == {
        ("👍", BOB),
        ("😮", CAROL),
        ("❤", None),
    }
    assert await column(service, "select unread_count from wa_chats") == [0]


async def results(connection: Connection) -> list[tuple[str, int, list[str]]]:
    rows = await connection.fetch("select * from wa_poll_results order by place")
    return [(row["option"], row["votes"], row["voters"]) for row in rows]


async def test_a_poll_counts_each_persons_latest_vote_even_from_before_it_came(
    leased: Session, service: Connection
) -> None:
    votes: list[Row] = [
        vote("P", "beach", voted_at=at(1)),
        vote("P", "home", voted_at=at(3)),
        vote("P", "beach", voted_at=at(2)),
        vote("P", "beach", "home", voter_jid=CAROL),
        vote("P", "home", voter_jid=US, from_me=True, voted_at=at(4)),
        vote("other", "beach", voter_jid=CAROL),
    ]
    await store(service, leased, {"votes": votes})
    assert await results(service) == []

    await store(service, leased, messages(POLL))

    assert await results(service) == [
        ("beach", 1, [CAROL]),
        ("home", 3, [CAROL, BOB, US]),
    ]


async def test_a_vote_that_could_not_be_read_is_known_and_read_later(
    leased: Session, service: Connection
) -> None:
    unreadable = vote("P", options=None)
    await store(service, leased, messages(POLL) | {"votes": [unreadable]})
    assert await results(service) == [("beach", 0, []), ("home", 0, [])]

    await store(service, leased, {"votes": [vote("P", "home"), unreadable]})

    assert await results(service) == [("beach", 0, []), ("home", 1, [BOB])]


async def test_poll_results_are_for_members_of_the_workspace_only(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(POLL) | {"votes": [vote("P", "home")]})
    other = await database.session()

    async with database.as_member(leased.owner) as member:
        assert len(await results(member)) == 2
    async with database.as_member(other.owner) as stranger:
        assert await results(stranger) == []
