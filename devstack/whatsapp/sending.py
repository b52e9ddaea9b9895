"""From a person's phone to everyone who should hear it.

Phones we play ourselves hear without encryption; linked devices, the programs under
test, get real Signal messages. The sender's own linked devices get a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.messages import Letter
from devstack.whatsapp.wire.nodes import Attributes, Node
from devstack.whatsapp.wire.protobufs import E2E

if TYPE_CHECKING:
    from devstack.whatsapp.groups import Group
    from devstack.whatsapp.people import Person

Addressing: TypeAlias = Literal["lid", "pn"]


def post_direct(
    sender: EmulatedDevice, to: Person, letter: Letter, addressing: Addressing
) -> None:
    plaintext = letter.message.SerializeToString()
    if to is not sender.person:
        attributes = _direct_attributes(sender, addressing)
        for device in to.linked_devices:
            sender.post(device, letter, attributes, plaintext)
        to.hear_plainly(sender, letter, sender.person)
    _post_own_copies(sender, to, letter)


def post_to_group(sender: EmulatedDevice, group: Group, letter: Letter) -> None:
    name = str(group.jid)
    plaintext = letter.message.SerializeToString()
    distribution = sender.identity.distribution_message(name)
    ciphertext = sender.identity.group_encrypt(name, plaintext)
    group_enc = Node(
        "enc", {"v": 2, "type": "skmsg", "mediatype": letter.media_type}, ciphertext
    )
    for device in group.linked_devices:
        encs = [group_enc]
        if sender.needs_sender_key(device, name):
            key_enc = sender.encrypt(device, _key_message(name, distribution))
            encs = [key_enc, group_enc] if key_enc is not None else encs
        attributes = _group_attributes(sender, group)
        sender.post_encrypted(device, letter, attributes, plaintext, encs)
    for member in group.members:
        if member is not sender.person:
            member.hear_plainly(sender, letter, group)


def post_to_own(sender: EmulatedDevice, to: LinkedDevice, letter: Letter) -> bool:
    """A peer message: between the devices of one person, and about nothing else."""
    attributes: Attributes = {"from": sender.person.jid, "category": "peer"}
    return sender.post(to, letter, attributes, letter.message.SerializeToString())


def _post_own_copies(sender: EmulatedDevice, to: Person, letter: Letter) -> None:
    if not sender.person.linked_devices:
        return
    copy = E2E.Message()
    copy.deviceSentMessage.destinationJID = str(to.lid)
    copy.deviceSentMessage.message.CopyFrom(letter.message)
    plaintext = copy.SerializeToString()
    attributes: Attributes = {
        "from": sender.person.lid,
        "recipient": to.lid,
        "peer_recipient_pn": to.jid,
        "notify": sender.person.name,
    }
    for device in sender.person.linked_devices:
        sender.post(device, letter, attributes, plaintext)


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
            "participant_pn": sender.person.jid,
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
