"""What clients say about being there, and whose presence they want to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.groups import Group
from devstack.whatsapp.network import Network
from devstack.whatsapp.verbs.perceiving import Doing, SeenTyping
from devstack.whatsapp.wire.nodes import Attributes, Jid, Node

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person


def take(network: Network, device: LinkedDevice, stanza: Node) -> None:
    device.presences.append(stanza)
    if stanza.tag == "presence":
        _take_presence(network, device, stanza)
    else:
        _take_typing(network, device, stanza)
    network.happenings.note()


def forget(device: LinkedDevice) -> None:
    """It holds for one connection."""
    device.is_online = False
    device.watches.clear()


def _take_presence(network: Network, device: LinkedDevice, stanza: Node) -> None:
    match stanza.attr("type", "available"):
        case "available":
            device.is_online = True
        case "unavailable":
            device.is_online = False
        case "subscribe":
            to = stanza.attrs.get("to")
            person = network.person_at(to if isinstance(to, Jid) else None)
            if person is None:
                return
            device.watches.add(person.lid_user)
            if device.is_online:
                device.show(person.presence())
        case _:
            network.unanswered.append(stanza)


def _take_typing(network: Network, device: LinkedDevice, stanza: Node) -> None:
    """Somebody types, records or stops, as everybody else in that chat sees."""
    to, doing = stanza.jid("to"), _doing(stanza)
    group, other = network.group_at(to), network.person_at(to)
    if doing is None or (group is None and other is None):
        network.unanswered.append(stanza)
        return
    typist = device.person
    readers = group.members if group is not None else [other]
    for reader in readers:
        if reader is not None and reader is not typist:
            reader.seen_typing.append(SeenTyping(typist, group or typist, doing))
            _show_typing(reader, typist, group, stanza)


def _doing(stanza: Node) -> Doing | None:
    if stanza.child("paused") is not None:
        return "paused"
    composing = stanza.child("composing")
    if composing is None:
        return None
    return "recording" if composing.attr("media") == "audio" else "typing"


def _show_typing(
    reader: Person, typist: Person, group: Group | None, stanza: Node
) -> None:
    attrs: Attributes = {"from": typist.lid}
    if group is not None:
        attrs = {"from": group.jid, "participant": typist.lid}
    for device in reader.linked_devices:
        if device.is_online:
            device.show(Node("chatstate", attrs, stanza.content))
