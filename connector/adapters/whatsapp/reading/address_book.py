"""Phone numbers of people whom WhatsApp named by their LID only.

Receipts and group messages often carry just the LID. whatsmeow keeps every pair it ever
learned in `whatsmeow_lid_map`; without it, somebody we wrote to first would be two people
until they answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    ChatUpdate,
    Member,
    MemberChange,
    Profile,
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
)

_Item = TypeVar("_Item", bound="Incoming | Member")

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
            case HistoryProgress() | Stale():
                return item
            case Profile(person=person):
                return self._with(item, person=self._person(person))
            case ChatUpdate(chat=chat) | OwnRead(chat=chat):
                return self._with(item, chat=self._chat(chat))
            case Roster(chat=chat, members=members):
                told = tuple(
                    self._with(one, person=self._person(one.person)) for one in members
                )
                return replace(item, members=told)
            case Revocation(chat=chat, author=author, revoked_by=by):
                known = None if author is None else self._person(author)
                return self._with(
                    item,
                    chat=self._chat(chat),
                    author=known,
                    revoked_by=self._person(by),
                )
            case Receipt(chat=chat, participant=person):
                return self._with(
                    item, chat=self._chat(chat), participant=self._person(person)
                )
            case Vote(chat=chat, voter=person):
                return self._with(
                    item, chat=self._chat(chat), voter=self._person(person)
                )
            case MemberChange(chat=chat, person=person):
                return self._with(
                    item, chat=self._chat(chat), person=self._person(person)
                )
            case Message() | Edit() | Reaction():
                return self._with(
                    item,
                    chat=self._chat(item.chat),
                    sender=self._person(item.sender),
                )

    @staticmethod
    def _with(item: _Item, **parts: Any) -> _Item:
        """The same item, copied only when one of its parts has become another."""
        if all(getattr(item, name) is part for name, part in parts.items()):
            return item
        return replace(item, **parts)

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
