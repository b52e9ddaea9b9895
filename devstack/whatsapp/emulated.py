"""A device that we play ourselves: a person's phone, or further devices of theirs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devstack.whatsapp.devices import Address, LinkedDevice
from devstack.whatsapp.messages import Failing
from devstack.whatsapp.wire.nodes import LID, PN, Attributes, Jid, Node
from devstack.whatsapp.wire.prekeys import Bundle
from devstack.whatsapp.wire.signal import Identity

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

REMEMBERED = 20_000  # posted messages that can be encrypted again on request

# From the end. A first message ends with two small numbers after the MAC's 8 bytes.
INSIDE_THE_MAC = 12


@dataclass(frozen=True, slots=True)
class ForGroup:
    """A message's group part: one ciphertext for all, and the key that opens it."""

    name: str
    ciphertext: bytes
    key_message: bytes  # plaintext of the message that tells a device our sender key


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message for one or more devices, before it is encrypted for each of them."""

    attributes: Attributes
    plaintext: bytes
    media_type: str | None = None
    group: ForGroup | None = None
    beside: tuple[Node, ...] = ()  # further elements of the stanza
    failing: Failing | None = None
    decrypt_fail: str | None = None


class EmulatedDevice:
    def __init__(self, person: Person, number: int) -> None:
        self.person, self.number = person, number
        self.identity = Identity()
        self.seen: set[tuple[Address, str]] = set()  # message ids by their sender
        self._posted: OrderedDict[tuple[Address, str], Parcel] = OrderedDict()
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

    def post(self, to: LinkedDevice, parcel: Parcel) -> None:
        """Encrypt for that device and leave it with the server."""
        to.when_keyed(lambda: self._post(to, parcel))

    def _post(self, to: LinkedDevice, parcel: Parcel) -> None:
        failing = parcel.failing
        if failing is not None and failing.unavailable:
            gone = Node("unavailable", {"type": failing.unavailable})
            to.deliver(Node("message", parcel.attributes, [gone]))
            return
        self._remember(to.address, parcel)
        encs = self._encrypted(to, parcel)
        if failing is not None and failing.garbled:
            encs = [*encs[:-1], _garbled(encs[-1])]
        to.deliver(_message(parcel, encs))

    def _encrypted(self, to: LinkedDevice, parcel: Parcel) -> list[Node]:
        group = parcel.group
        if group is None:
            return [self._encrypt(to, parcel.plaintext, _attributes(parcel))]
        for_all = Node(
            "enc", {**_attributes(parcel), "type": "skmsg"}, group.ciphertext
        )
        if not self._tells_sender_key(to, group.name):
            return [for_all]
        return [self._encrypt(to, group.key_message, {"v": 2}), for_all]

    def post_again(
        self,
        to: LinkedDevice,
        whatsapp_id: str,
        count: int,
        bundle: Bundle | None = None,
        *,
        unasked: bool = False,
    ) -> None:
        """It could not read it: once more, in a new session. Unknown ids are ignored.

        So are messages that answer no retry receipt, unless it is done `unasked`. The
        session is begun with `bundle`, if given, or with keys that the server has.
        """
        parcel = self._posted.get((to.address, whatsapp_id))
        if parcel is None:
            return
        if parcel.failing is not None and not (parcel.failing.answers or unasked):
            return
        self.identity.forget_session(to.address)
        if parcel.group is not None:
            self._told_sender_key[parcel.group.name].discard(to.address)
        attributes = {**_attributes(parcel), "count": count}
        self.identity.start_session(to.address, bundle or to.take_bundle())
        enc = self._encrypt(to, parcel.plaintext, attributes)
        to.deliver(_message(parcel, [enc]))

    def _encrypt(
        self, to: LinkedDevice, plaintext: bytes, attributes: Attributes
    ) -> Node:
        """An `<enc>` only that device can open, in a new session if there is none."""
        if not self.identity.has_session(to.address):
            self.identity.start_session(to.address, to.take_bundle())
        kind, ciphertext = self.identity.encrypt(to.address, plaintext)
        return Node("enc", {**attributes, "type": kind}, ciphertext)

    def _tells_sender_key(self, to: LinkedDevice, group: str) -> bool:
        """Whether that device has yet to be told our key; it counts as told now."""
        told = self._told_sender_key.setdefault(group, set())
        is_new = to.address not in told
        told.add(to.address)
        return is_new

    def change_sender_key(self, group: str) -> None:
        """A member left: what is said from now on is not for them."""
        self.identity.forget_sender_key(group)
        self._told_sender_key.pop(group, None)

    def _remember(self, to: Address, parcel: Parcel) -> None:
        self._posted[to, str(parcel.attributes["id"])] = parcel
        while len(self._posted) > REMEMBERED:
            self._posted.popitem(last=False)


def _attributes(parcel: Parcel) -> Attributes:
    """Of an `<enc>`, but for how it is encrypted."""
    return {
        "v": 2,
        "mediatype": parcel.media_type,
        "decrypt-fail": parcel.decrypt_fail,
    }


def _message(parcel: Parcel, encs: list[Node]) -> Node:
    return Node("message", parcel.attributes, [*encs, *parcel.beside])


def _garbled(enc: Node) -> Node:
    """With one byte changed where a MAC or a signature is: neither survives that."""
    data = bytearray(enc.data())
    data[-INSIDE_THE_MAC] ^= 1
    return Node(enc.tag, enc.attrs, bytes(data))
