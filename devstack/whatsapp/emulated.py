"""A device that we play ourselves: a person's phone, or further devices of theirs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.devices import Address, LinkedDevice
from devstack.whatsapp.messages import Letter
from devstack.whatsapp.wire.nodes import LID, PN, Attributes, Jid, Node
from devstack.whatsapp.wire.signal import Identity

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

REMEMBERED = 20_000  # posted messages that can be encrypted again on request


@dataclass(frozen=True, slots=True)
class Posted:
    """What one device was sent, to be encrypted again when it cannot read it."""

    attributes: Attributes
    plaintext: bytes


class EmulatedDevice:
    def __init__(self, person: Person, number: int) -> None:
        self.person, self.number = person, number
        self.identity = Identity()
        self.seen: set[tuple[Address, str]] = set()  # message ids by their sender
        self._posted: OrderedDict[tuple[Address, str], Posted] = OrderedDict()
        self._told_sender_key: dict[str, set[Address]] = {}

    @property
    def jid(self) -> Jid:
        return Jid(self.person.number, PN, self.number)

    @property
    def lid(self) -> Jid:
        return Jid(self.person.lid_user, LID, self.number)

    @property
    def address(self) -> Address:
        return (self.person.lid_user, self.number)

    def post(
        self, to: LinkedDevice, letter: Letter, attributes: Attributes, plaintext: bytes
    ) -> bool:
        """Encrypt for one device and leave it with the server; False without keys."""
        enc = self.encrypt(to, plaintext, media_type=letter.media_type)
        if enc is None:
            return False
        self.post_encrypted(to, letter, attributes, plaintext, [enc])
        return True

    def post_encrypted(
        self,
        to: LinkedDevice,
        letter: Letter,
        attributes: Attributes,
        plaintext: bytes,
        encs: list[Node],
    ) -> None:
        attributes = {
            "id": letter.whatsapp_id,
            "t": letter.at,
            "type": letter.type,
            **attributes,
            **letter.attributes,
        }
        self._remember(to.address, letter.whatsapp_id, Posted(attributes, plaintext))
        to.deliver(Node("message", attributes, encs))

    def post_again(self, to: LinkedDevice, whatsapp_id: str, count: int) -> None:
        """It could not read it: once more, in a new session. Unknown ids are ignored."""
        posted = self._posted.get((to.address, whatsapp_id))
        if posted is None:
            return
        self.identity.forget_session(to.address)
        enc = self.encrypt(to, posted.plaintext, count=count)
        if enc is not None:
            to.deliver(Node("message", posted.attributes, [enc]))

    def encrypt(
        self,
        to: LinkedDevice,
        plaintext: bytes,
        *,
        media_type: str | None = None,
        count: int | None = None,
    ) -> Node | None:
        """An `<enc>` only that device can open; None while it has no keys."""
        if not self.identity.has_session(to.address):
            if to.keys is None:
                return None
            self.identity.start_session(to.address, to.keys.bundle())
        kind, ciphertext = self.identity.encrypt(to.address, plaintext)
        attributes: Attributes = {
            "v": 2,
            "type": kind,
            "mediatype": media_type,
            "count": count,
        }
        return Node("enc", attributes, ciphertext)

    def needs_sender_key(self, to: LinkedDevice, group: str) -> bool:
        """Whether that device has yet to be told our key; it counts as told now."""
        told = self._told_sender_key.setdefault(group, set())
        is_new = to.address not in told
        told.add(to.address)
        return is_new

    def change_sender_key(self, group: str) -> None:
        """A member left: what is said from now on is not for them."""
        self.identity.forget_sender_key(group)
        self._told_sender_key.pop(group, None)

    def _remember(self, to: Address, whatsapp_id: str, posted: Posted) -> None:
        self._posted[to, whatsapp_id] = posted
        while len(self._posted) > REMEMBERED:
            self._posted.popitem(last=False)
