"""People named by their LID only get the number that the device once learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from connector.adapters.whatsapp.reading.address_book import AddressBook
from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    Aspect,
    ChatUpdate,
    Member,
    MemberChange,
    Profile,
    Role,
    Roster,
    Stale,
)
from connector.domain.incoming import HistoryProgress, Incoming
from connector.domain.messages import (
    Chat,
    ChatKind,
    Message,
    OwnRead,
    Person,
    Receipt,
    Source,
    Status,
)

LID, PHONE = Jid("1", "lid"), Jid("5521987654321", "s.whatsapp.net")
READ = Receipt(
    chat=Chat(jid=LID, kind=ChatKind.DIRECT),
    whatsapp_ids=("3EB0",),
    participant=Person(lid=LID),
    status=Status.READ,
    at=datetime(2026, 1, 2, tzinfo=UTC),
)


def test_a_receipt_learns_whose_number_it_is() -> None:
    completed = AddressBook({LID: PHONE}.get).completed(READ)

    assert isinstance(completed, Receipt)
    assert completed.chat.alias == PHONE
    assert completed.participant == Person(lid=LID, phone=PHONE)


STRANGER = Person(lid=LID)
ANA = Person(lid=LID, phone=PHONE)
DIRECT = Chat(jid=LID, kind=ChatKind.DIRECT)
ABOUT: dict[str, Any] = {"chat": DIRECT, "whatsapp_id": "3EB0", "from_me": False}
NEWS: list[Incoming] = [
    READ,
    OwnRead(chat=DIRECT, at=READ.at),
    Message(
        **ABOUT,
        sender=STRANGER,
        sender_name=None,
        kind="text",
        body=None,
        sent_at=READ.at,
        source=Source.LIVE,
        status=Status.DELIVERED,
    ),
    Edit(**ABOUT, sender=STRANGER, edit_id="3EB1", body=None, edited_at=READ.at),
    Revocation(
        **ABOUT,
        author=STRANGER,
        revoked_by=STRANGER,
        by_admin=False,
        revoked_at=READ.at,
    ),
    Reaction(**ABOUT, sender=STRANGER, emoji="", reacted_at=READ.at),
    Vote(**ABOUT, voter=STRANGER, options=(), voted_at=READ.at),
    Profile(person=STRANGER),
    ChatUpdate(chat=DIRECT, as_of=READ.at),
    MemberChange(chat=DIRECT, person=STRANGER, role=None, as_of=READ.at),
    Roster(
        chat=Chat(jid=Jid("9", "g.us"), kind=ChatKind.GROUP),
        members=(Member(person=STRANGER, role=Role.MEMBER),),
        as_of=READ.at,
    ),
    Stale(jid=LID, aspect=Aspect.PICTURE, as_of=READ.at),
    HistoryProgress(percent=1, done=False),
]


def test_there_is_an_example_of_everything() -> None:
    assert {type(item) for item in NEWS} == set(get_args(Incoming))


@pytest.mark.parametrize("item", NEWS, ids=lambda item: type(item).__name__)
def test_whatever_names_somebody_learns_their_number(item: Incoming) -> None:
    completed = repr(AddressBook({LID: PHONE}.get).completed(item))

    assert repr(STRANGER) not in completed
    assert repr(DIRECT) not in completed
    assert completed == repr(item).replace(repr(STRANGER), repr(ANA)).replace(
        repr(DIRECT), repr(replace(DIRECT, alias=PHONE))
    )


@pytest.mark.parametrize("item", NEWS, ids=lambda item: type(item).__name__)
def test_nothing_else_becomes_of_it(item: Incoming) -> None:
    assert AddressBook(lambda _: None).completed(item) == item


def test_a_stranger_stays_a_lid() -> None:
    assert AddressBook(lambda _: None).completed(READ) == READ


def test_nobody_is_looked_up_twice_in_a_row() -> None:
    asked: list[Jid] = []

    def look_up(lid: Jid) -> Jid | None:
        asked.append(lid)
        return PHONE if lid == LID else None

    book = AddressBook(look_up)
    stranger = Receipt(
        chat=Chat(jid=Jid("2", "lid"), kind=ChatKind.DIRECT),
        whatsapp_ids=("3EB1",),
        participant=Person(lid=Jid("2", "lid")),
        status=Status.READ,
        at=READ.at,
    )
    for _ in range(3):
        book.completed(READ)
        book.completed(stranger)

    assert asked == [LID, Jid("2", "lid")]
