"""People: each has a number, a phone, and a memory of all that was said to them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal, TypeAlias

from devstack.whatsapp import receipts, sending
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.faults import Failure
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.messages import (
    HeardMessage,
    Letter,
    SentMessage,
    new_message_id,
    text_message,
    text_of,
)
from devstack.whatsapp.network import Network, unix, unix_now
from devstack.whatsapp.phone import Phone
from devstack.whatsapp.wire.media import MediaKind, encrypt_media
from devstack.whatsapp.wire.nodes import LID, PN, Attributes, Jid, Node
from devstack.whatsapp.wire.protobufs import E2E

AutomaticReceipts: TypeAlias = Literal["delivered", "read", "none"]


class Person:
    """Made by `WhatsApp.person`. Device 0 is the phone; the rest is linked to it."""

    def __init__(
        self, network: Network, number: str, name: str, *, emulated_devices: int = 1
    ) -> None:
        self._network = network
        self.number, self.name = number, name
        self.lid_user = _lid_for(number)
        self.on_whatsapp = True
        self.receipts: AutomaticReceipts = "delivered"
        self.login_failure: Failure | None = None
        self.ack_error: int | None = None  # refuses every message their clients send
        self.about = ""
        self.picture_path: str | None = None
        own = [EmulatedDevice(self, n) for n in range(emulated_devices)]
        self.devices: dict[int, EmulatedDevice | LinkedDevice] = dict(enumerate(own))
        self.phone = Phone(network, self, own[0])
        self.heard: list[HeardMessage] = []  # by the phone, from other people
        self.heard_elsewhere: list[HeardMessage] = []  # by further emulated devices
        self._listened = 0

    def __repr__(self) -> str:
        return f"<Person {self.name}>"

    @property
    def jid(self) -> Jid:
        return Jid(self.number, PN)

    @property
    def lid(self) -> Jid:
        return Jid(self.lid_user, LID)

    @property
    def linked_devices(self) -> list[LinkedDevice]:
        return [d for d in self.devices.values() if isinstance(d, LinkedDevice)]

    @property
    def emulated_devices(self) -> list[EmulatedDevice]:
        return [d for d in self.devices.values() if isinstance(d, EmulatedDevice)]

    # --- talking --------------------------------------------------------------------

    async def says(
        self,
        to: Person | Group,
        text: str,
        *,
        addressing: sending.Addressing = "lid",
        whatsapp_id: str | None = None,
        at: datetime | None = None,
    ) -> SentMessage:
        """Type a text on the phone; everyone concerned has it, or will."""
        letter = Letter(
            message=text_message(text),
            whatsapp_id=whatsapp_id or new_message_id(),
            at=unix(at),
        )
        return await self.sends(to, letter, addressing=addressing)

    async def sends(
        self,
        to: Person | Group,
        letter: Letter,
        *,
        addressing: sending.Addressing = "lid",
    ) -> SentMessage:
        """Any message at all: a reaction, an edit, a poll, what has no verb yet."""
        device = self.phone.device
        if isinstance(to, Group):
            sending.post_to_group(device, to, letter)
        else:
            sending.post_direct(device, to, letter, addressing)
        self._network.happenings.note()
        return SentMessage(
            letter.whatsapp_id,
            self,
            to,
            text_of(letter.message),
            letter.at,
            letter.message,
        )

    async def sends_image(
        self, to: Person | Group, data: bytes, caption: str = ""
    ) -> SentMessage:
        """A JPEG through the media host."""
        message = E2E.Message(imageMessage=self._image(data, caption))
        return await self.sends(
            to, Letter(message=message, type="media", media_type="image")
        )

    def _image(self, data: bytes, caption: str) -> E2E.ImageMessage:
        kind: MediaKind = "image"
        media = encrypt_media(data, kind)
        path = self._network.media.put(media.blob)
        return E2E.ImageMessage(
            caption=caption,
            mimetype="image/jpeg",
            URL=f"https://mmg.whatsapp.net{path}",
            directPath=path,
            mediaKey=media.media_key,
            fileSHA256=media.file_sha256,
            fileEncSHA256=media.file_enc_sha256,
            fileLength=media.file_length,
        )

    async def types(self, to: Person) -> None:
        """Show "typing…" to someone's linked devices."""
        self._show(to, Node("chatstate", {"from": self.lid}, [Node("composing")]))

    async def stops_typing(self, to: Person) -> None:
        self._show(to, Node("chatstate", {"from": self.lid}, [Node("paused")]))

    async def comes_online(self, watched_by: Person) -> None:
        self._show(watched_by, Node("presence", {"from": self.lid}))

    async def goes_offline(self, watched_by: Person) -> None:
        gone: Attributes = {"from": self.lid, "type": "unavailable", "last": unix_now()}
        self._show(watched_by, Node("presence", gone))

    def _show(self, to: Person, stanza: Node) -> None:
        for device in to.linked_devices:
            device.show(stanza)

    # --- listening ------------------------------------------------------------------

    def hears(self, timeout: float = PATIENCE) -> Waiting[HeardMessage]:
        """The next message from somebody else that this has not yet returned."""
        return self._next_heard(timeout)

    async def _next_heard(self, within: float) -> HeardMessage:
        message = await self._network.happenings.first(
            self._unlistened, f"{self.name} to hear something", within
        )
        self._listened += 1
        return message

    def _unlistened(self) -> HeardMessage | None:
        if self._listened < len(self.heard):
            return self.heard[self._listened]
        return None

    def heard_from(self, sender: Person) -> list[HeardMessage]:
        return [message for message in self.heard if message.sender is sender]

    def hear_plainly(
        self, sender: EmulatedDevice, letter: Letter, chat: Person | Group
    ) -> None:
        """Take a message between two phones we play: no encryption to test there."""
        if not self.on_whatsapp:
            return
        self.hear(
            HeardMessage(
                sender.person,
                letter.whatsapp_id,
                text_of(letter.message),
                chat,
                letter.message,
            )
        )

    def hear(self, message: HeardMessage) -> None:
        """Remember what the phone decrypted, and confirm it as `receipts` says."""
        self.heard.append(message)
        if self.receipts != "none":
            receipts.confirm(self, message, None)
        if self.receipts == "read":
            receipts.confirm(self, message, "read")
        self._network.happenings.note()

    async def receives(self, message: HeardMessage) -> None:
        """Confirm delivery, when `receipts` does not already do so."""
        receipts.confirm(self, message, None)

    async def reads(self, *messages: HeardMessage) -> None:
        """Open the chat: blue ticks for these messages."""
        for message in messages:
            receipts.confirm(self, message, "read")

    async def plays(self, message: HeardMessage) -> None:
        """Listen to a voice message."""
        receipts.confirm(self, message, "played")

    # --- what others can look up ------------------------------------------------------

    def shows_picture(self, jpeg: bytes) -> None:
        self.picture_path = self._network.media.put(jpeg, "jpg")


def _lid_for(number: str) -> str:
    """Fifteen digits that have nothing to do with the number, yet always the same."""
    digest = int(hashlib.sha256(number.encode()).hexdigest()[:12], 16)
    return str(10**14 + digest % (9 * 10**14))
