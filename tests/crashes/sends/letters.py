"""What is inserted in a round, and how it is recognised on the phones that hear it."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from PIL import Image

from devstack.whatsapp import Group, Person
from devstack.whatsapp.messages import HeardMessage, text_of
from devstack.whatsapp.wire.protobufs import E2E

Payload: TypeAlias = Mapping[str, Any]

MEDIA: Final = "image"
IN_GROUP: Final = 0.35


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the outbox; `mark` is found in what its recipients decrypt."""

    id: str
    kind: str
    payload: Payload
    chat: Person | Group
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


def letters(
    chance: Random, count: int, person: Person, group: Group, first: str | None
) -> list[Letter]:
    """Some of every kind, by chance; the first one of kind `first`, if that is said."""
    made = []
    for number in range(count):
        kind = first if number == 0 and first else chance.choice(sorted(_KINDS))
        chat = group if chance.random() < IN_GROUP else person
        mark = f"{chance.getrandbits(48):012x}"
        row_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        made.append(Letter(row_id, kind, _KINDS[kind](mark, chance), chat, mark))
    return made


def mark_of(heard: HeardMessage) -> str:
    """What was put into the message to know it by; empty in what we did not send."""
    message = heard.message
    if message.HasField("locationMessage"):
        return message.locationMessage.name
    if message.HasField("imageMessage"):
        return message.imageMessage.caption
    return _question(message) or text_of(message)


def _question(message: E2E.Message) -> str:
    for field in ("pollCreationMessage", "pollCreationMessageV3"):
        if message.HasField(field):
            return str(getattr(message, field).name)
    return ""


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


_KINDS: Final[Mapping[str, Callable[[str, Random], Payload]]] = {
    "text": lambda mark, _: {"text": mark},
    MEDIA: _image,
    "location": _location,
    "poll": lambda mark, _: {"question": mark, "options": ["sim", "não"]},
}
