"""What the phone's owner named and set: saved contacts, muted and archived chats.

The phone tells its linked devices the present state, not the change; so we compare with
what has been told already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from connector.domain.addresses import Jid
from connector.domain.chats import ChatColumn, ChatUpdate, Profile
from connector.domain.messages import Chat, Person

# The phone's news come in several steps; while they do, look after each.
FRESH_SECONDS: Final = 30.0
# What does not come from the phone's settings (business names) is looked at this often.
LOOK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedContact:
    key: str  # where it is kept; one person may have two
    person: Person
    saved_name: str | None
    business_name: str | None
    is_removed: bool = False  # from the phone's address book


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSettings:
    key: str
    chat: Chat
    archived: bool
    pinned: bool
    muted_until: str | None  # ISO 8601, or "infinity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """All that one number's phone has told so far."""

    owner: str  # the device's own address; another one has nothing in common with it
    push_name: str | None
    contacts: tuple[SavedContact, ...]
    chats: tuple[SavedSettings, ...]


News: TypeAlias = tuple[str, "int | None", "Profile | ChatUpdate"]


def news(saved: Saved, told: Mapping[str, int], now: datetime) -> Iterator[News]:
    """Yield what differs from what was told: its key, its new mark, and what to say.

    A mark of None means that there is nothing left to remember.
    """
    for contact in saved.contacts:
        mark, before = _mark(contact), told.get(contact.key, 0)
        if before != mark:
            had_name = contact.is_removed or bool(before & _NAMED)
            yield contact.key, mark, _profile(contact, had_name=had_name)
    for chat in saved.chats:
        mark = hash((chat.chat, chat.archived, chat.pinned, chat.muted_until))
        if told.get(_of_chat(chat.key)) != mark:
            yield _of_chat(chat.key), mark, _update(chat, now)
    kept = {contact.key for contact in saved.contacts}
    for key, mark in told.items():
        if not key.startswith(_CHAT) and key not in kept:
            yield from _removed(key, had_name=bool(mark & _NAMED))


def is_worth_reading(now: float, changed_at: float, read_at: float) -> bool:
    """Whether a store that was written to should be read, by our own clock."""
    return now - changed_at <= FRESH_SECONDS or now - read_at >= LOOK_SECONDS


_CHAT: Final = "chat "
_NAMED: Final = 1  # the bit of a contact's mark that says whether it has a saved name


def _of_chat(key: str) -> str:
    return f"{_CHAT}{key}"


def _mark(contact: SavedContact) -> int:
    shown = hash((contact.person, contact.saved_name, contact.business_name))
    return shown | _NAMED if contact.saved_name else shown & ~_NAMED


def _profile(contact: SavedContact, *, had_name: bool) -> Profile:
    # One person's other row, without a name, must not take the name of this one away.
    nothing = "" if had_name else None
    return Profile(
        person=contact.person,
        saved_name=contact.saved_name or nothing,
        business_name=contact.business_name,
    )


def _removed(key: str, *, had_name: bool) -> Iterator[News]:
    jid = Jid.parse(key)
    person = Person(lid=jid) if jid.is_lid else Person(phone=jid)
    yield key, None, Profile(person=person, saved_name="" if had_name else None)


def _update(settings: SavedSettings, now: datetime) -> ChatUpdate:
    return ChatUpdate(
        chat=settings.chat,
        as_of=now,
        columns={
            ChatColumn.ARCHIVED: settings.archived,
            ChatColumn.PINNED: settings.pinned,
            ChatColumn.MUTED_UNTIL: settings.muted_until,
        },
    )
