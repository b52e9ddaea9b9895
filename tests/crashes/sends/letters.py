"""What is inserted in a round: some of every kind, each with a mark it is known by."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias

from PIL import Image

from devstack.whatsapp import Group, Person
from tests.crashes.sends import marks

Payload: TypeAlias = Mapping[str, Any]
Chat: TypeAlias = Person | Group

MEDIA: Final = "image"
IN_GROUP: Final = 0.35
STOCKED: Final = 40  # earlier messages that can still be spoken of


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the outbox; `mark` is found in what its recipients decrypt."""

    id: str
    kind: str
    payload: Payload
    chat: Chat
    mark: str

    def row(self, session_id: str) -> dict[str, object]:
        return {
            "id": self.id,
            "session_id": session_id,
            "to": str(self.chat.jid),
            "kind": self.kind,
            "payload": dict(self.payload),
        }

    def hearers(self, owner: Person) -> Sequence[Person]:
        if isinstance(self.chat, Person):
            return [self.chat]
        return [member for member in self.chat.members if member is not owner]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A text of an earlier round: spoken of once, then never again."""

    message_id: str
    whatsapp_id: str
    text: str
    chat: Chat


@dataclass(slots=True)
class Writing:
    """Makes the letters of a number's rounds.

    `files` are paths in Storage: the first one is new in each round, the others were
    sent before.
    """

    chance: Random
    person: Person
    group: Group
    files: Mapping[str, Sequence[str]]
    ours: list[Earlier] = field(default_factory=list)
    theirs: list[Earlier] = field(default_factory=list)

    def letters(self, count: int, first: str | None) -> list[Letter]:
        """The first one of kind `first`, if that is said."""
        return [self._letter(first if at == 0 else None) for at in range(count)]

    def _letter(self, kind: str | None) -> Letter:
        row_id = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        kind = kind or self.chance.choice([*_NEW, *_FILES, *_OF_EARLIER])
        stock = self.theirs if kind == "forward" else self.ours
        if kind in _OF_EARLIER and stock:
            about = stock.pop()
            payload, mark = _OF_EARLIER[kind](about, self._mark())
            if kind == "voice":
                payload = {**payload, "storage_path": self._file(kind)}
            chat = self._chat() if kind == "forward" else about.chat
            return Letter(row_id, kind, payload, chat, mark)
        mark = self._mark()
        if kind in _FILES:
            payload = {"storage_path": self._file(kind), "caption": mark}
        else:
            kind = kind if kind in _NEW else "text"
            payload = _NEW[kind](mark, self.chance)
        return Letter(row_id, kind, payload, self._chat(), mark)

    def _mark(self) -> str:
        return f"{self.chance.getrandbits(48):012x}"

    def _chat(self) -> Chat:
        return self.group if self.chance.random() < IN_GROUP else self.person

    def _file(self, kind: str) -> str:
        return self.chance.choice(self.files[kind])


def _image(mark: str, chance: Random) -> Payload:
    """No two are alike, so that each has to be uploaded."""
    picture = io.BytesIO()
    noise = Image.frombytes("RGB", (24, 24), chance.randbytes(24 * 24 * 3))
    noise.save(picture, "JPEG")
    data = base64.b64encode(picture.getvalue()).decode()
    return {"base64": data, "caption": mark}


def _location(mark: str, chance: Random) -> Payload:
    place = {
        "latitude": chance.uniform(-90, 90),
        "longitude": chance.uniform(-180, 180),
    }
    return {**place, "name": mark}


_NEW: Final[Mapping[str, Callable[[str, Random], Payload]]] = {
    "text": lambda mark, _: {"text": mark},
    MEDIA: _image,
    "location": _location,
    "poll": lambda mark, _: {"question": mark, "options": ["sim", "não"]},
}
_FILES: Final = ("document",)
# A voice note has no words: it is known by what it answers.
_OF_EARLIER: Final[Mapping[str, Callable[[Earlier, str], tuple[Payload, str]]]] = {
    "voice": lambda about, _: (
        {"reply_to": about.message_id},
        marks.voice(about.whatsapp_id),
    ),
    "reaction": lambda about, _: (
        {"message_id": about.message_id, "emoji": "👍"},
        marks.reaction(about.whatsapp_id),
    ),
    "edit": lambda about, mark: (
        {"message_id": about.message_id, "text": mark},
        marks.edit(mark),
    ),
    "delete": lambda about, _: (
        {"message_id": about.message_id},
        marks.deletion(about.whatsapp_id),
    ),
    "forward": lambda about, _: (
        {"message_id": about.message_id},
        marks.forward(about.text),
    ),
}
