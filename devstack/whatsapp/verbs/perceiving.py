"""What people notice of the others besides words: files, blue ticks, typing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from devstack.whatsapp.context import Said
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.receipt_book import ClientReceipt
from devstack.whatsapp.stanza_kinds import unwrapped
from devstack.whatsapp.verbs.speaking import Speaker
from devstack.whatsapp.wire.errors import DecryptError
from devstack.whatsapp.wire.media import MediaKind, decrypt_media
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

Doing: TypeAlias = Literal["typing", "recording", "paused"]
FILES: Final[dict[str, MediaKind]] = {
    "imageMessage": "image",
    "videoMessage": "video",
    "ptvMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "document",
    "stickerMessage": "sticker",
}


@dataclass(frozen=True, slots=True)
class SeenTyping:
    """What somebody shows as doing. `chat` is that person, or the group."""

    person: Person
    chat: Person | Group
    doing: Doing


class Perceiver(Speaker):
    def __init__(self) -> None:
        self.seen_typing: list[SeenTyping] = []
        self._noticed = 0

    async def opens(self, said: Said) -> bytes:
        """Download the file of a message and decrypt it, as critically as phones do.

        Raises DecryptError when it is not what the message says, ValueError when there
        is none.
        """
        file, kind = _file_in(said.message)
        blob = self._network.media.get(file.directPath)
        if hashlib.sha256(blob).digest() != file.fileEncSHA256:
            raise DecryptError("the encrypted file has another hash than its message")
        plain = decrypt_media(blob, file.mediaKey, kind)
        if (hashlib.sha256(plain).digest(), len(plain)) != (
            file.fileSHA256,
            file.fileLength,
        ):
            raise DecryptError("the file has another hash or size than its message")
        return plain

    def was_read(self, said: Said, timeout: float = PATIENCE) -> Waiting[ClientReceipt]:
        """Wait for the blue ticks that a linked device gives to this message."""
        return self._network.happenings.first(
            lambda: self._network.receipts.about(said.whatsapp_id, "read"),
            "blue ticks",
            timeout,
        )

    def sees_typing(self, timeout: float = PATIENCE) -> Waiting[SeenTyping]:
        """The next sign that a linked device types, which this has not yet returned."""
        return self._next_sign(timeout)

    async def _next_sign(self, within: float) -> SeenTyping:
        sign = await self._network.happenings.first(
            self._unnoticed, f"{self._self.name} to see somebody type", within
        )
        self._noticed += 1
        return sign

    def _unnoticed(self) -> SeenTyping | None:
        if self._noticed < len(self.seen_typing):
            return self.seen_typing[self._noticed]
        return None


def _file_in(message: E2E.Message) -> tuple[Any, MediaKind]:
    for descriptor, file in unwrapped(message).ListFields():
        if kind := FILES.get(descriptor.name):
            return file, kind
    raise ValueError("there is no file in this message")
