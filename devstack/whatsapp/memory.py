"""What a phone remembers, and how it hands that to a device that was just linked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from devstack.whatsapp import history, sending
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.messages import Letter
from devstack.whatsapp.much_history import A_WHILE, much_history
from devstack.whatsapp.network import Network
from devstack.whatsapp.remembering import Conversation, Stranger
from devstack.whatsapp.wire.media import encrypt_media
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Protocol = E2E.ProtocolMessage
CHATS_PER_CHUNK = 50


class Memory:
    """Chunks leave one by one, so that everything else goes on in between."""

    _network: Network
    person: Person
    device: EmulatedDevice

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []
        self.older_conversations: list[Conversation] = []
        self.chats_per_chunk = CHATS_PER_CHUNK
        self.between_chunks = 0.0  # seconds
        self._hold_after: int | None = None
        self._sent = 0
        self._waiting: list[tuple[LinkedDevice, Iterator[history.Sync]]] = []

    # --- what there is ----------------------------------------------------------------

    def remembers(self, conversations: Iterable[Conversation]) -> None:
        """What was said before; it is sent to devices that are linked from now on."""
        self.conversations.extend(conversations)

    def remembers_older(self, conversations: Iterable[Conversation]) -> None:
        """The same as FULL history: it comes after everything recent."""
        self.older_conversations.extend(conversations)

    def remembers_much(
        self, chats: int = 500, messages: int = 100, over: timedelta = A_WHILE
    ) -> None:
        """Chats with strangers, made up while they are sent: cheap in any number."""
        self.conversations.extend(much_history(chats, messages, over))

    # --- how it is sent ---------------------------------------------------------------

    def holds_history_after(self, chunks: int) -> None:
        """Stop after so many chunks of recent or older history, until told to go on."""
        self._hold_after, self._sent = chunks, 0

    def goes_on_with_history(self) -> None:
        self._hold_after = None
        waiting, self._waiting = self._waiting, []
        for device, chunks in waiting:
            self._feed(device, chunks)

    def history_held(self, timeout: float = PATIENCE) -> Waiting[None]:
        """Wait until it stopped as `holds_history_after` says."""
        return self._network.happenings.until(
            lambda: bool(self._waiting), "the phone to hold its history", timeout
        )

    async def sends_history(self, sync: history.Sync, *, inline: bool = False) -> None:
        """Send linked devices a history of your own making."""
        for device in self.person.linked_devices:
            self._send_history(device, sync, inline=inline)

    async def sends_older(
        self, conversation: Conversation, *, more: bool = False
    ) -> None:
        """As when somebody scrolled up: ON_DEMAND."""
        sync = history.on_demand(conversation, more=more, owner=self.person)
        await self.sends_history(sync)

    def _begin_history(self, device: LinkedDevice) -> None:
        owner = self.person
        self._send_history(device, history.initial_status(), inline=True)
        bootstrap = history.bootstrap(self.conversations, owner)
        self._send_history(device, bootstrap, inline=True)
        people = [owner, *self._acquaintances()]
        self._send_history(device, history.push_names(people), inline=True)
        self._feed(device, self._chunks())

    def _chunks(self) -> Iterator[history.Sync]:
        size, owner = self.chats_per_chunk, self.person
        yield from history.chunks(self.conversations, size, owner=owner)
        if self.older_conversations:
            older = self.older_conversations
            yield from history.chunks(older, size, history.Sync.FULL, owner)

    def _feed(self, device: LinkedDevice, chunks: Iterator[history.Sync]) -> None:
        """Send the next chunk now and the others soon, unless they are to be held."""
        if self._hold_after is not None and self._sent >= self._hold_after:
            self._waiting.append((device, chunks))
            self._network.happenings.note()
            return
        chunk = next(chunks, None)
        if chunk is None:
            return
        self._sent += 1
        self._send_history(device, chunk, inline=False)
        loop = asyncio.get_running_loop()
        loop.call_later(self.between_chunks, self._feed, device, chunks)

    def _acquaintances(self) -> list[Person | Stranger]:
        chats = [conversation.chat for conversation in self.conversations]
        return [chat for chat in chats if not isinstance(chat, Group)]

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

    def tell(self, device: LinkedDevice, protocol: E2E.ProtocolMessage) -> None:
        """A peer message: from the phone to one of its own devices."""
        message = E2E.Message(protocolMessage=protocol)
        sending.post_to_own(self.device, device, Letter(message=message))
