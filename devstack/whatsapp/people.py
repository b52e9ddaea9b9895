"""People: each has a number, a phone, and a memory of all that was said to them."""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias

from devstack.whatsapp import receipts
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.faults import Failure
from devstack.whatsapp.groups import Group
from devstack.whatsapp.happenings import PATIENCE, Waiting
from devstack.whatsapp.messages import HeardMessage, Letter, text_of
from devstack.whatsapp.network import Network
from devstack.whatsapp.phone import Phone
from devstack.whatsapp.stanza_kinds import outside
from devstack.whatsapp.verbs.amending import Amender
from devstack.whatsapp.verbs.appearing import Appearing
from devstack.whatsapp.verbs.attaching import Attacher
from devstack.whatsapp.verbs.broadcasting import Broadcaster
from devstack.whatsapp.verbs.business import Business
from devstack.whatsapp.verbs.calling import Caller
from devstack.whatsapp.verbs.perceiving import Perceiver
from devstack.whatsapp.verbs.polling import Pollster
from devstack.whatsapp.verbs.sharing import Sharer
from devstack.whatsapp.wire.nodes import LID, PN, Jid

AutomaticReceipts: TypeAlias = Literal["delivered", "read", "none"]


class Person(
    Attacher,
    Amender,
    Appearing,
    Broadcaster,
    Business,
    Caller,
    Perceiver,
    Pollster,
    Sharer,
):
    """Made by `WhatsApp.person`. Device 0 is the phone; the rest is linked to it.

    The verbs are in the parts, in verbs/: speaking.py (texts), attaching.py (files), sharing.py
    (places, cards), polling.py, amending.py (reactions, edits, deletions), business.py,
    appearing.py (typing, online, pictures), broadcasting.py (status), calling.py,
    perceiving.py (files that came, blue ticks, typing of others).
    """

    def __init__(
        self,
        network: Network,
        number: str,
        name: str,
        *,
        emulated_devices: int = 1,
    ) -> None:
        Perceiver.__init__(self)
        self._network = network
        self.number, self.name = number, name
        self.lid_user = _lid_for(number)
        self.on_whatsapp = True
        self.receipts: AutomaticReceipts = "delivered"
        self.login_failure: Failure | None = None
        self.ack_error: int | None = None  # refuses every message their clients send
        self.about = ""
        self.hides_number = False  # from the other members of groups
        self.business_name: str | None = None  # of a business account
        self.acquaintances: dict[Person, None] = {}  # in the order they met
        self.saved_by: dict[Person, str] = {}  # as whom
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
                outside=outside(letter.message),
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

    def meets(self, other: Person) -> None:
        """They know each other from now on, as by a message or a saved contact."""
        if other is not self:
            self.acquaintances[other] = other.acquaintances[self] = None


def _lid_for(number: str) -> str:
    """Fifteen digits that have nothing to do with the number, yet always the same."""
    digest = int(hashlib.sha256(number.encode()).hexdigest()[:12], 16)
    return str(10**14 + digest % (9 * 10**14))
