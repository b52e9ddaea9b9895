"""Phone numbers of people whom WhatsApp named by their LID only.

Receipts and group messages often carry just the LID. whatsmeow keeps every pair it ever
learned in `whatsmeow_lid_map`; without it, somebody we wrote to first would be two people
until they answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, ChatKind, Message, Person, Receipt

MOST_REMEMBERED: Final = 10_000
# A pair may be learned any moment, by a look-up of the worker's.
FORGET_STRANGERS_AFTER: Final = 30.0


class AddressBook:
    """Remembers what it looked up; one a session."""

    def __init__(self, look_up: Callable[[Jid], Jid | None]) -> None:
        """`look_up` finds the phone address of a LID in the device's store."""
        self._look_up = look_up
        self._known: dict[Jid, Jid] = {}
        self._strangers: dict[Jid, float] = {}

    def completed(self, item: Incoming) -> Incoming:
        """The same event, with phone addresses filled in where they are known."""
        match item:
            case Message(chat=chat, sender=sender):
                return replace(item, chat=self._chat(chat), sender=self._person(sender))
            case Receipt(chat=chat, participant=participant):
                return replace(
                    item,
                    chat=self._chat(chat),
                    participant=self._person(participant),
                )
            case Profile(person=person):
                return replace(item, person=self._person(person))
            case _:
                return item

    def _chat(self, chat: Chat) -> Chat:
        if chat.kind is not ChatKind.DIRECT or chat.alias or not chat.jid.is_lid:
            return chat
        phone = self._phone(chat.jid)
        return chat if phone is None else replace(chat, alias=phone)

    def _person(self, person: Person) -> Person:
        if person.phone is not None or person.lid is None:
            return person
        phone = self._phone(person.lid)
        return person if phone is None else replace(person, phone=phone)

    def _phone(self, lid: Jid) -> Jid | None:
        if (known := self._known.get(lid)) is not None:
            return known
        now = time.monotonic()
        if self._strangers.get(lid, 0) > now:
            return None
        found = self._look_up(lid)
        if len(self._known) + len(self._strangers) >= MOST_REMEMBERED:
            self._known.clear()
            self._strangers.clear()
        if found is None:
            self._strangers[lid] = now + FORGET_STRANGERS_AFTER
        else:
            self._known[lid] = found
        return found
