"""What people say during a round, by chance: texts, edits, reactions and deletions.

Several people, some of them in a group with the owner; the owner types on the phone,
too. Every utterance travels under an id of its own, so every one can get lost alone.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Final

from devstack.whatsapp import Group, Person, SentMessage
from tests.acceptance.world import Linked

IN_GROUP: Final = 0.3
RECENT: Final = 40  # what people still edit, delete and react to
EMOJI: Final = ("👍", "❤️", "😂", "🙏")


class Kind(enum.StrEnum):
    TEXT = "text"
    EDIT = "edit"
    REACTION = "reaction"
    DELETION = "deletion"


KINDS: Final = {Kind.TEXT: 76, Kind.EDIT: 8, Kind.REACTION: 10, Kind.DELETION: 6}


@dataclass(frozen=True, slots=True)
class Utterance:
    """Under `id`, by `person`; `about` is the message it says or changes."""

    id: str
    kind: Kind
    about: str
    chat: str
    person: str
    words: str = ""


@dataclass(slots=True)
class _Said:
    """A message that may still be changed: once each way, so that the end is certain."""

    message: SentMessage
    edited: bool = False
    deleted: bool = False
    reacted: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Company:
    """Everybody talks with the owner; some of them share a group."""

    owner: Person
    people: list[Person]
    group: Group

    @classmethod
    def of(cls, linked: Linked) -> Company:
        people = [linked.world.somebody(name) for name in ("Bob", "Carla", "Davi")]
        whatsapp = linked.world.stage.whatsapp
        group = whatsapp.group("Família", linked.owner, people[:2])
        return cls(linked.owner, people, group)


class Talk:
    """`utterances` is everything said so far, in order. Texts begin with `words`."""

    def __init__(self, chance: Random, company: Company, words: str = "text") -> None:
        self._chance = chance
        self._words = words
        self._owner = company.owner
        self._people = company.people
        self._group = company.group
        self._recent: deque[_Said] = deque(maxlen=RECENT)
        self.utterances: list[Utterance] = []

    async def goes_on(self) -> Utterance:
        """One more utterance."""
        [kind] = self._chance.choices(list(KINDS), list(KINDS.values()))
        said = await self._change(kind) or await self._text()
        self.utterances.append(said)
        return said

    async def _text(self) -> Utterance:
        who = self._chance.choice([*self._people, self._owner])
        words = f"{self._words} {len(self.utterances)}"
        in_group = who in self._group.members and self._chance.random() < IN_GROUP
        other = self._chance.choice(self._people) if who is self._owner else self._owner
        sent = await who.says(self._group if in_group else other, words)
        self._recent.append(_Said(sent))
        return self._uttered(sent, Kind.TEXT, sent, words)

    async def _change(self, kind: Kind) -> Utterance | None:
        """None when there is nothing to change."""
        if kind is Kind.TEXT or not self._recent:
            return None
        said = self._chance.choice(self._recent)
        if said.deleted:
            return None
        match kind:
            case Kind.EDIT if not said.edited:
                return await self._edit(said)
            case Kind.DELETION:
                said.deleted = True
                sent = await said.message.sender.deletes(said.message)
                return self._uttered(sent, kind, said.message)
            case Kind.REACTION:
                return await self._reaction(said)
            case _:
                return None

    async def _edit(self, said: _Said) -> Utterance:
        said.edited = True
        words = f"edit {len(self.utterances)}"
        sent = await said.message.sender.edits(said.message, words)
        return self._uttered(sent, Kind.EDIT, said.message, words)

    async def _reaction(self, said: _Said) -> Utterance | None:
        chat = said.message.chat
        able = chat.members if isinstance(chat, Group) else [said.message.sender, chat]
        willing = [one for one in able if one.number not in said.reacted]
        if not willing:
            return None
        who = self._chance.choice(willing)
        said.reacted.add(who.number)
        emoji = self._chance.choice(EMOJI)
        sent = await who.reacts(said.message, emoji)
        return self._uttered(sent, Kind.REACTION, said.message, emoji)

    def _uttered(
        self, sent: SentMessage, kind: Kind, about: SentMessage, words: str = ""
    ) -> Utterance:
        return Utterance(
            id=sent.id,
            kind=kind,
            about=about.id,
            chat=str(self._chat_of(about)),
            person=str(sent.sender.lid),
            words=words,
        )

    def _chat_of(self, message: SentMessage) -> object:
        if isinstance(message.chat, Group):
            return message.chat.jid
        direct = message.chat if message.sender is self._owner else message.sender
        return direct.lid
