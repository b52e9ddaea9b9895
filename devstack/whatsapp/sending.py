"""From a person's phone to everyone who should hear it.

Phones we play ourselves hear without encryption; linked devices, the programs under
test, get real Signal messages. The sender's own linked devices get a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from devstack.whatsapp import stanza_kinds
from devstack.whatsapp.context import Addressing
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice, ForGroup, Parcel
from devstack.whatsapp.group_stanzas import told_number
from devstack.whatsapp.messages import Letter
from devstack.whatsapp.verified_names import verified_name
from devstack.whatsapp.wire.nodes import BROADCAST, Attributes, Jid, Node
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

STATUS: Final = Jid("status", BROADCAST)


def post_direct(
    sender: EmulatedDevice, to: Person, letter: Letter, addressing: Addressing
) -> None:
    sender.person.meets(to)
    if to is not sender.person:
        parcel = _parcel(sender, letter, _direct_attributes(sender, addressing))
        for device in to.linked_devices:
            sender.post(device, parcel)
        to.hear_plainly(sender, letter, sender.person)
    _post_own_copies(sender, to, letter, addressing)


def post_to_group(sender: EmulatedDevice, group: Group, letter: Letter) -> None:
    attributes = _group_attributes(sender, group)
    parcel = _parcel_for_all(sender, str(group.jid), letter, attributes)
    for device in group.linked_devices:
        sender.post(device, parcel)
    for member in group.members:
        if member is not sender.person:
            member.hear_plainly(sender, letter, group)


def post_status(
    sender: EmulatedDevice, audience: Sequence[Person], letter: Letter
) -> None:
    """Encrypted like a group's message, to whoever may see it."""
    attributes: Attributes = {
        "from": STATUS,
        "participant": sender.lid,
        "participant_pn": sender.person.jid,
        "addressing_mode": "lid",
        "notify": sender.person.name,
    }
    parcel = _parcel_for_all(sender, str(STATUS), letter, attributes)
    for person in audience:
        for device in person.linked_devices:
            sender.post(device, parcel)


def _parcel_for_all(
    sender: EmulatedDevice, name: str, letter: Letter, attributes: Attributes
) -> Parcel:
    # First the key, then the ciphertext: the key must be able to open it.
    key_message = _key_message(name, sender.identity.distribution_message(name))
    plaintext = letter.message.SerializeToString()
    ciphertext = sender.identity.group_encrypt(name, plaintext)
    return _parcel(
        sender, letter, attributes, group=ForGroup(name, ciphertext, key_message)
    )


def post_to_own(sender: EmulatedDevice, to: LinkedDevice, letter: Letter) -> None:
    """A peer message: between the devices of one person, and about nothing else."""
    attributes: Attributes = {"from": sender.person.jid, "category": "peer"}
    sender.post(to, _parcel(sender, letter, attributes))


def _post_own_copies(
    sender: EmulatedDevice, to: Person, letter: Letter, addressing: Addressing
) -> None:
    person = sender.person
    if not person.linked_devices:
        return
    copy = E2E.Message()
    by_lid = addressing == "lid"
    copy.deviceSentMessage.destinationJID = str(to.lid if by_lid else to.jid)
    copy.deviceSentMessage.message.CopyFrom(letter.message)
    places: Attributes = {"from": person.jid, "recipient": to.jid}
    if by_lid:
        places = {"from": person.lid, "recipient": to.lid, "peer_recipient_pn": to.jid}
    attributes: Attributes = {**places, "notify": person.name}
    parcel = _parcel(sender, letter, attributes, plaintext=copy.SerializeToString())
    for device in person.linked_devices:
        sender.post(device, parcel)


def _parcel(
    sender: EmulatedDevice,
    letter: Letter,
    attributes: Attributes,
    *,
    plaintext: bytes | None = None,
    group: ForGroup | None = None,
) -> Parcel:
    message, failing = letter.message, letter.failing
    outside = stanza_kinds.outside(message)
    hidden = outside.hides_failure or bool(failing and failing.hidden)
    return Parcel(
        {
            "id": letter.whatsapp_id,
            "t": letter.at,
            "type": letter.type or outside.type,
            "edit": outside.edit,
            **attributes,
            **letter.attributes,
        },
        plaintext if plaintext is not None else message.SerializeToString(),
        letter.media_type or outside.media_type,
        group,
        beside=_beside(sender.person, outside.meta),
        failing=failing,
        decrypt_fail="hide" if hidden else None,
    )


def _beside(person: Person, meta: Node | None) -> tuple[Node, ...]:
    business = person.business_name
    name = verified_name(business) if business else None
    return tuple(node for node in (meta, name) if node is not None)


def _direct_attributes(sender: EmulatedDevice, addressing: Addressing) -> Attributes:
    if addressing == "pn":
        return {
            "from": sender.jid,
            "sender_lid": sender.person.lid,
            "notify": sender.person.name,
        }
    return {
        "from": sender.lid,
        "sender_pn": sender.person.jid,
        "addressing_mode": "lid",
        "notify": sender.person.name,
    }


def _group_attributes(sender: EmulatedDevice, group: Group) -> Attributes:
    attributes: Attributes = {
        "from": group.jid,
        "addressing_mode": group.addressing,
        "notify": sender.person.name,
    }
    if group.addressing == "lid":
        return {
            **attributes,
            "participant": sender.lid,
            "participant_pn": told_number(group, sender.person),
        }
    return {
        **attributes,
        "participant": sender.jid,
        "participant_lid": sender.person.lid,
    }


def _key_message(group: str, distribution: bytes) -> bytes:
    message = E2E.Message()
    told = message.senderKeyDistributionMessage
    told.groupID = group
    told.axolotlSenderKeyDistributionMessage = distribution
    return message.SerializeToString()
