"""A person's phone: links devices, and sends them what phones send unasked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from devstack.whatsapp import history, linking, sending
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.faults import Fault
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.history import Conversation
from devstack.whatsapp.messages import HeardMessage, Letter, SentMessage, new_message_id
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.wire.app_state import AppState
from devstack.whatsapp.wire.media import encrypt_media
from devstack.whatsapp.wire.mutations import Mutation
from devstack.whatsapp.wire.nodes import SERVER_JID, Attributes, Node
from devstack.whatsapp.wire.protobufs import E2E, SyncAction

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Protocol = E2E.ProtocolMessage
CHATS_PER_CHUNK = 50


class Phone:
    def __init__(
        self, network: Network, person: Person, device: EmulatedDevice
    ) -> None:
        self._network, self.person, self.device = network, person, device
        self.app_state = AppState()
        self.conversations: list[Conversation] = []
        self.own_copies: list[HeardMessage] = []  # what linked devices sent
        self.requests: list[E2E.Message] = []  # what linked devices ask of the phone
        self.settings_changed: list[Mutation] = []  # by linked devices
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
        self._send_history(device, history.initial_status(), inline=True)
        bootstrap = history.bootstrap(self.conversations)
        self._send_history(device, bootstrap, inline=True)
        people = [self.person, *self._acquaintances()]
        self._send_history(device, history.push_names(people), inline=True)
        for chunk in history.recent(self.conversations, CHATS_PER_CHUNK):
            self._send_history(device, chunk, inline=False)

    def _acquaintances(self) -> list[Person]:
        chats = [conversation.chat for conversation in self.conversations]
        return [chat for chat in chats if not isinstance(chat, Group)]

    # --- memory ---------------------------------------------------------------------

    def remembers(self, conversations: Iterable[Conversation]) -> None:
        """What was said before; it is sent to devices that are linked from now on."""
        self.conversations.extend(conversations)

    async def sends_history(self, sync: history.Sync, *, inline: bool = False) -> None:
        """Send linked devices a history of your own making."""
        for device in self.person.linked_devices:
            self._send_history(device, sync, inline=inline)

    def _send_history(
        self, device: LinkedDevice, sync: history.Sync, *, inline: bool
    ) -> None:
        notice = history.notification(sync)
        packed = history.compressed(sync)
        if inline:
            notice.initialHistBootstrapInlinePayload = packed
        else:
            media = encrypt_media(packed, "history")
            history.refer_to(notice, media, self._network.media.put(media.blob))
        self.tell(
            device,
            Protocol(
                type=Protocol.HISTORY_SYNC_NOTIFICATION, historySyncNotification=notice
            ),
        )

    # --- settings and saved contacts --------------------------------------------------

    def share_keys(self, device: LinkedDevice) -> None:
        """Without them a device can read no setting; it fetches all when it has them."""
        share = self.app_state.key_share(unix_now())
        kind = Protocol.APP_STATE_SYNC_KEY_SHARE
        self.tell(device, Protocol(type=kind, appStateSyncKeyShare=share))

    def names_itself(self, name: str) -> None:
        setting = SyncAction.PushNameSetting(name=name)
        value = SyncAction.SyncActionValue(pushNameSetting=setting)
        self.changes_setting("critical_block", ["setting_pushName"], value, version=1)

    def saves_contact(self, person: Person, name: str) -> None:
        """Write somebody into the address book."""
        contact = SyncAction.ContactAction(
            fullName=name,
            firstName=name.partition(" ")[0],
            lidJID=str(person.lid),
            saveOnPrimaryAddressbook=True,
        )
        value = SyncAction.SyncActionValue(contactAction=contact)
        index = ["contact", str(person.jid)]
        self.changes_setting("critical_unblock_low", index, value)

    def changes_setting(
        self,
        collection: str,
        index: list[str],
        value: SyncAction.SyncActionValue,
        *,
        version: int = 2,
    ) -> None:
        """Change app state and notify the linked devices."""
        value.timestamp = unix_now() * 1000
        now_at = self.app_state.set(collection, index, value, version)
        news = Node("collection", {"name": collection, "version": now_at})
        for device in self.person.linked_devices:
            attrs: Attributes = {
                "from": SERVER_JID,
                "type": "server_sync",
                "id": new_message_id(),
                "t": unix_now(),
            }
            device.deliver(Node("notification", attrs, [news]))

    # --- messages ---------------------------------------------------------------------

    async def says(
        self, to: Person | Group, text: str, *, at: datetime | None = None
    ) -> SentMessage:
        """The owner types on the phone; linked devices get a copy."""
        return await self.person.says(to, text, at=at)

    def tell(self, device: LinkedDevice, protocol: E2E.ProtocolMessage) -> None:
        """A peer message: from the phone to one of its own devices."""
        message = E2E.Message(protocolMessage=protocol)
        sending.post_to_own(self.device, device, Letter(message=message))

    def unlinks(self, device: LinkedDevice) -> None:
        """Remove a device from the list on the phone."""
        device.removed()
