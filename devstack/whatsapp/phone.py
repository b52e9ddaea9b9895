"""A person's phone: links devices, and sends them what phones send unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from devstack.whatsapp import linking, receipts
from devstack.whatsapp.chat_settings import ChatSettings
from devstack.whatsapp.context import Addressing, How, Said
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.faults import Fault
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.memory import Memory
from devstack.whatsapp.messages import HeardMessage, Letter, SentMessage
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.unread import Unread
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Protocol = E2E.ProtocolMessage


class Phone(ChatSettings, Memory):
    """Settings of chats and contacts are in chat_settings.py, history in memory.py."""

    def __init__(
        self, network: Network, person: Person, device: EmulatedDevice
    ) -> None:
        ChatSettings.__init__(self)
        Memory.__init__(self)
        self._network, self.person, self.device = network, person, device
        self.own_copies: list[HeardMessage] = []  # what linked devices sent
        self.requests: list[E2E.Message] = []  # what linked devices ask of the phone
        self._unread = Unread()
        self._last_device = 0
        self.names_itself(person.name)

    # --- linking --------------------------------------------------------------------

    def next_device_number(self) -> int:
        """Never used before: a device that was removed must not come back."""
        self._last_device = max(self._last_device, *self.person.devices) + 1
        return self._last_device

    async def scans(
        self, qr: str, fault: Fault | str | None = None, *, business: str | None = None
    ) -> LinkedDevice:
        """Point the camera at a code. The initial sync follows by itself.

        Raises UnknownCode when it expired, PairingRefused when the client objects.
        """
        wrong = Fault(fault) if fault is not None else None
        return await linking.by_qr(self._network, self.person, qr, wrong, business)

    def enters(self, code: str, timeout: float = PATIENCE) -> Waiting[LinkedDevice]:
        """Type the letters that the client shows. Raises like `scans`."""
        return linking.by_code(self._network, self.person, code, timeout)

    def introduce(self, device: LinkedDevice) -> None:
        """Send a device that was just linked what phones send unasked."""
        device.introduced = True
        self.share_keys(device)
        self._begin_history(device)

    def share_keys(self, device: LinkedDevice) -> None:
        """Without them a device can read no setting; it fetches all when it has them."""
        share = self.app_state.key_share(unix_now())
        kind = Protocol.APP_STATE_SYNC_KEY_SHARE
        self.tell(device, Protocol(type=kind, appStateSyncKeyShare=share))

    # --- messages ---------------------------------------------------------------------

    async def says(
        self, to: Person | Group, text: str, **how: Unpack[How]
    ) -> SentMessage:
        """The owner types on the phone; linked devices get a copy.

        Every other verb of a person does the same: they all happen on the phone.
        """
        return await self.person.says(to, text, **how)

    async def sends(self, to: Person | Group, letter: Letter) -> SentMessage:
        return await self.person.sends(to, letter)

    async def edits(self, said: Said, text: str, **how: Unpack[How]) -> SentMessage:
        return await self.person.edits(said, text, **how)

    async def deletes(self, said: Said, **how: Unpack[How]) -> SentMessage:
        return await self.person.deletes(said, **how)

    async def reacts(self, said: Said, emoji: str, **how: Unpack[How]) -> SentMessage:
        return await self.person.reacts(said, emoji, **how)

    async def reads(
        self,
        chat: Person | Group,
        up_to: HeardMessage | SentMessage | None = None,
        *,
        secretly: bool = False,
        addressing: Addressing = "lid",
    ) -> None:
        """The owner opens a chat: linked devices learn what has been read.

        So do the senders, unless the owner switched read receipts off: `secretly`.
        """
        unread = self._unread.take(chat, self.person.heard, up_to)
        if not secretly:
            await self.person.reads(*unread)
        tick: Literal["read", "read-self"] = "read-self" if secretly else "read"
        receipts.tell_own_devices(self.person, chat, unread, tick, addressing)

    async def plays(self, message: HeardMessage) -> None:
        """The owner listens to a voice message: the sender and other devices learn."""
        await self.person.plays(message)
        chat = message.chat
        receipts.tell_own_devices(self.person, chat, [message], "played", "lid")

    def unlinks(self, device: LinkedDevice) -> None:
        """Remove a device from the list on the phone."""
        device.removed()
