"""The first thing the server says: codes for a new client, or a login's outcome."""

from __future__ import annotations

import time

from devstack.whatsapp import presence
from devstack.whatsapp.connection import Connection
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.faults import Failure
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.registration import Registration
from devstack.whatsapp.wire.nodes import SERVER_JID, Node

# A close in the same instant overtakes <failure> and reads as a plain disconnect.
BEFORE_HANGING_UP = 0.1  # seconds
LOGGED_OUT = 401
ACCOUNT_AGE = 10_000_000  # seconds


def greet(network: Network, connection: Connection) -> None:
    payload = connection.payload
    if payload is None:
        return
    if payload.HasField("devicePairingData"):
        connection.registration = Registration(connection)
        connection.registration.offer(network.qr_refs)
        return
    device = _device(network, connection, str(payload.username), payload.device)
    failure = _failure(network, device, str(payload.username))
    if failure is not None or device is None:
        refuse(connection, failure or Failure(LOGGED_OUT))
    else:
        _log_in(connection, device)


def refuse(connection: Connection, failure: Failure) -> None:
    connection.send(Node("failure", failure.attributes()))
    connection.close(BEFORE_HANGING_UP)


def _device(
    network: Network, connection: Connection, number: str, device_number: int
) -> LinkedDevice | None:
    """The device it claims to be, if its Noise key proves it."""
    person = network.people.get(number)
    device = person.devices.get(device_number) if person else None
    if (
        isinstance(device, LinkedDevice)
        and device.noise_public == connection.noise_public
    ):
        return device
    return None


def _failure(
    network: Network, device: LinkedDevice | None, number: str
) -> Failure | None:
    person = device.person if device else network.people.get(number)
    return person.login_failure if person else None


def _log_in(connection: Connection, device: LinkedDevice) -> None:
    former = device.connection.login if device.connection is not None else None
    connection.login = connection.network.logins.add(
        device, connection.caller, connection.opened_at, former
    )
    if device.connection is not None:
        device.replaced()
        device.forget_acks()
        presence.forget(device)
    connection.device, device.connection = device, connection
    device.logins += 1
    now = unix_now()
    connection.send(
        Node(
            "success",
            {
                "t": now,
                "lid": device.lid,
                "display_name": device.person.name,
                "creation": now - ACCOUNT_AGE,
                "props": 29,
                "abprops": 2,
                "location": "cln",
            },
        )
    )
    connection.network.happenings.note()


def activate(connection: Connection, device: LinkedDevice) -> None:
    """It wants its stanzas: first those kept for it, in order, then live ones."""
    connection.is_active = True
    if connection.login is not None:
        connection.login.active_at = time.time()
    kept = device.everything_kept()
    if not device.introduced:
        device.person.phone.introduce(device)
    _send_offline(connection, kept)
    connection.network.happenings.note()


def _send_offline(connection: Connection, kept: list[Node]) -> None:
    counts = {
        tag: sum(stanza.tag == tag for stanza in kept)
        for tag in ("message", "notification", "receipt")
    }
    if kept:
        preview = {"count": len(kept), **counts, "appdata": 0}
        _inform(connection, Node("offline_preview", preview))
    for stanza in kept:
        offline = {**stanza.attrs, "offline": 0}
        connection.send(Node(stanza.tag, offline, stanza.content))
    _inform(connection, Node("offline", {"count": len(kept)}))


def _inform(connection: Connection, news: Node) -> None:
    connection.send(Node("ib", {"from": SERVER_JID}, [news]))
