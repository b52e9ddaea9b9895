"""A message from a linked device: to the server, and on to everyone it is for."""

from __future__ import annotations

import logging

from devstack.whatsapp import receipts, stanza_kinds
from devstack.whatsapp.devices import Address, LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import HeardMessage, text_of
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.people import Person
from devstack.whatsapp.repetitions import place_of
from devstack.whatsapp.wire.errors import RepeatedCounter, WireError
from devstack.whatsapp.wire.nodes import GROUP, Attributes, Jid, Node
from devstack.whatsapp.wire.protobufs import E2E

log = logging.getLogger(__name__)

ITEM_NOT_FOUND = 404


def take_message(network: Network, sender: LinkedDevice, stanza: Node) -> None:
    to = stanza.jid("to")
    person, group = network.person_at(to), network.group_at(to)
    error: int | None = ITEM_NOT_FOUND
    if person is not None or group is not None:
        error = _take_error(network, sender)
    if group is not None:
        error = error or group.refusal(sender.person, stanza.attr("type", "text"))
    ack: Attributes = {
        "class": "message",
        "id": stanza.attr("id"),
        "from": to,
        "t": unix_now(),
        "error": error,
    }
    sender.acknowledge(Node("ack", ack))
    if error is None:
        if person is not None:
            sender.person.meets(person)
        for device, encs in _recipients(network, sender, stanza):
            _hand_over(network, sender, device, stanza, encs)
    network.happenings.note()


def _take_error(network: Network, sender: LinkedDevice) -> int | None:
    error, network.faults.next_ack_error = network.faults.next_ack_error, None
    return error or sender.take_refusal() or sender.person.ack_error


def _recipients(
    network: Network, sender: LinkedDevice, stanza: Node
) -> list[tuple[EmulatedDevice | LinkedDevice, list[Node]]]:
    """Each device with what was encrypted for it, and for its whole group."""
    to = stanza.jid("to")
    own: dict[Address, list[Node]] = {}
    devices: dict[Address, EmulatedDevice | LinkedDevice] = {}
    for jid, enc in _encrypted_for_one(stanza):
        person = network.person_at(jid)
        device = person.devices.get(jid.device) if person else None
        if device is not None and device is not sender:
            devices[device.address] = device
            own.setdefault(device.address, []).append(enc)
    group, for_all = network.group_at(to), stanza.child("enc")
    if group is not None and for_all is not None and "participant" not in stanza.attrs:
        for device in _devices_of(group):
            if device is not sender:
                devices[device.address] = device
                own.setdefault(device.address, []).append(for_all)
    return [(device, own[address]) for address, device in devices.items()]


def _encrypted_for_one(stanza: Node) -> list[tuple[Jid, Node]]:
    """Pairs of device and `<enc>`: a list, or a retry or peer message for just one."""
    participants = stanza.child("participants")
    if participants is not None:
        return [
            (to.jid("jid"), enc)
            for to in participants.children
            if (enc := to.child("enc")) is not None
        ]
    enc = stanza.child("enc")
    to = stanza.jid("participant" if "participant" in stanza.attrs else "to")
    return [(to, enc)] if enc is not None and to.server != GROUP else []


def _devices_of(group: Group) -> list[EmulatedDevice | LinkedDevice]:
    return [device for member in group.members for device in member.devices.values()]


def _hand_over(
    network: Network,
    sender: LinkedDevice,
    device: EmulatedDevice | LinkedDevice,
    stanza: Node,
    encs: list[Node],
) -> None:
    is_repeat = any("count" in enc.attrs for enc in encs)
    known = (sender.address, stanza.attr("id"))
    if isinstance(device, EmulatedDevice):
        if known not in device.seen:
            _open(network, sender, device, stanza, encs)
    elif is_repeat or known not in device.relayed:
        device.relayed.add(known)
        _relay(sender, device, stanza, encs)


def _relay(
    sender: LinkedDevice, device: LinkedDevice, stanza: Node, encs: list[Node]
) -> None:
    """From one program under test to another: unread, like the real server."""
    to = stanza.jid("to")
    attrs: Attributes = {
        "id": stanza.attr("id"),
        "t": unix_now(),
        "type": stanza.attr("type", "text"),
        "edit": stanza.attr("edit"),
        "notify": sender.person.name,
        **_place(sender, device, stanza, to),
    }
    identity = stanza.child("device-identity")
    device.deliver(Node("message", attrs, [*encs, *([identity] if identity else [])]))


def _place(
    sender: LinkedDevice, device: LinkedDevice, stanza: Node, to: Jid
) -> Attributes:
    if to.server == GROUP:
        return {
            "from": to,
            "participant": sender.lid,
            "participant_pn": sender.person.jid,
            "addressing_mode": "lid",
        }
    if device.person is sender.person:
        recipient_pn = stanza.attrs.get("peer_recipient_pn")
        return {
            "from": sender.lid,
            "recipient": to,
            "peer_recipient_pn": recipient_pn,
        }
    return {
        "from": sender.lid,
        "sender_pn": sender.person.jid,
        "addressing_mode": "lid",
    }


def _open(
    network: Network,
    sender: LinkedDevice,
    device: EmulatedDevice,
    stanza: Node,
    encs: list[Node],
) -> None:
    """Decrypt with the device's keys; ask for it again when it cannot."""
    to = stanza.jid("to")
    login = sender.connection.login if sender.connection is not None else None
    for enc in encs:
        place = place_of(device.address, enc.attr("type"), enc.data())
        try:
            plaintext = _decrypted(device, sender, to, enc)
        except RepeatedCounter:
            # As the real clients do: it is ignored, and nobody asks for it again.
            network.repetitions.ignored(place, stanza.attr("id"), login)
            continue
        except WireError as error:
            log.info("a phone could not decrypt: %s", error)
            count = int(enc.attr("count", "0")) + 1
            network.asked_again.add(stanza.attr("id"))
            receipts.ask_again(device, sender, stanza, count)
            return
        network.repetitions.read(place, stanza.attr("id"), login)
        message = E2E.Message.FromString(plaintext)
        if message.HasField("senderKeyDistributionMessage"):
            told = message.senderKeyDistributionMessage
            device.identity.take_distribution(
                str(to), sender.address, told.axolotlSenderKeyDistributionMessage
            )
            if enc is not encs[-1]:
                continue
        device.seen.add((sender.address, stanza.attr("id")))
        _record(network, sender, device, (stanza, enc), message)


def _decrypted(
    device: EmulatedDevice, sender: LinkedDevice, to: Jid, enc: Node
) -> bytes:
    if enc.attr("type") == "skmsg":
        return device.identity.group_decrypt(str(to), sender.address, enc.data())
    return device.identity.decrypt(sender.address, enc.attr("type"), enc.data())


def _record(
    network: Network,
    sender: LinkedDevice,
    device: EmulatedDevice,
    came_as: tuple[Node, Node],
    message: E2E.Message,
) -> None:
    person, is_phone = device.person, device.number == 0
    if came_as[0].attr("category") == "peer":
        person.phone.requests.append(message)
        return
    heard = _heard(network, sender, device, came_as, message)
    if person is sender.person:
        if is_phone:
            person.phone.own_copies.append(heard)
    elif is_phone:
        person.hear(heard)
    else:
        person.heard_elsewhere.append(heard)


def _heard(
    network: Network,
    sender: LinkedDevice,
    device: EmulatedDevice,
    came_as: tuple[Node, Node],
    message: E2E.Message,
) -> HeardMessage:
    stanza, enc = came_as
    to = stanza.jid("to")
    if message.HasField("deviceSentMessage"):
        message = message.deviceSentMessage.message
    chat: Person | Group | None = network.group_at(to)
    if chat is None and device.person is sender.person:
        chat = network.person_at(to)
    return HeardMessage(
        sender.person,
        stanza.attr("id"),
        text_of(message),
        chat or sender.person,
        message,
        sender_device=sender.number,
        device=device.number,
        outside=stanza_kinds.told(stanza, enc),
    )
