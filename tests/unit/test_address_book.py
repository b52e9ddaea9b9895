"""People named by their LID only get the number that the device once learned."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.adapters.whatsapp.address_book import AddressBook
from connector.domain.addresses import Jid
from connector.domain.messages import Chat, ChatKind, Person, Receipt, Status

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
