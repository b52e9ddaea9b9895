"""Messages that a phone ignored, since their place in the ratchet was used before.

Real clients do the same, without a word: whoever sent it believes that it was read. Two
messages at one place through one socket are the work of one process; through two, of
two, or of one that went on from an earlier copy of its store.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from devstack.whatsapp.login_book import Login
from devstack.whatsapp.wire.errors import WireError
from devstack.whatsapp.wire.whisper_text import PreKeySignalMessage, SignalMessage

REMEMBERED: Final = 2_000  # places, of all devices together

Place = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    message_id: str  # ignored
    earlier_id: str | None  # whose place it has; None: that was long ago
    same_socket: bool


@dataclass(slots=True)
class Repetitions:
    all: list[Repetition] = field(default_factory=list)
    _readers: OrderedDict[Place, tuple[str, Login | None]] = field(
        default_factory=OrderedDict
    )

    def read(self, place: Place | None, message_id: str, login: Login | None) -> None:
        """A message was decrypted."""
        if place is not None:
            self._readers[place] = message_id, login
            while len(self._readers) > REMEMBERED:
                self._readers.popitem(last=False)

    def ignored(
        self, place: Place | None, message_id: str, login: Login | None
    ) -> None:
        earlier_id, earlier = self._readers.get(place or (), (None, None))
        same = earlier is not None and earlier is login
        self.all.append(Repetition(message_id, earlier_id, same))


def place_of(reader: object, kind: str, ciphertext: bytes) -> Place | None:
    """Where in the ratchet between two devices it is; None for a group's, and nonsense."""
    try:
        if kind == "pkmsg":
            ciphertext = PreKeySignalMessage.decode(ciphertext).message
        elif kind != "msg":
            return None
        message = SignalMessage.decode(ciphertext)
    except WireError:
        return None
    return reader, message.ratchet_key, message.counter
