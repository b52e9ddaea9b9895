"""What clients say about being there, and whose presence they want to be told."""

from __future__ import annotations

from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.network import Network
from devstack.whatsapp.wire.nodes import Jid, Node


def take(network: Network, device: LinkedDevice, stanza: Node) -> None:
    device.presences.append(stanza)
    if stanza.tag == "presence":
        _take_presence(network, device, stanza)
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
