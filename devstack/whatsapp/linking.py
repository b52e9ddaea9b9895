"""How a phone links a client, by QR or by eight letters. Keys: wire/pairing.py."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devstack.whatsapp.connection import Connection, ConnectionClosed
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.faults import Fault
from devstack.whatsapp.messages import new_message_id
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.registration import (
    CodeEntry,
    PairingRefused,
    UnknownCode,
)
from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.errors import DecryptError
from devstack.whatsapp.wire.nodes import SERVER_JID, Attributes, Node
from devstack.whatsapp.wire.pairing import (
    LinkedIdentity,
    ScannedQr,
    open_key_bundle,
    unwrap_ephemeral,
    wrap_ephemeral,
)

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

ANSWER_WITHIN = 20.0  # seconds; some clients object by silence
RESTART_REQUIRED = 515


async def by_qr(
    network: Network,
    person: Person,
    text: str,
    fault: Fault | None,
    business: str | None,
) -> LinkedDevice:
    """Raises UnknownCode, PairingRefused, and DecodeError for no code at all."""
    scanned = ScannedQr.parse(text)
    for connection in network.connections:
        registration = connection.registration
        if registration is not None and scanned.ref in registration.refs:
            return await _link(
                connection,
                person,
                scanned.identity_public,
                scanned.adv_secret,
                fault=fault,
                business=business,
            )
    raise UnknownCode("no connected client shows this QR code")


async def by_code(
    network: Network, person: Person, code: str, within: float
) -> LinkedDevice:
    connection, entry = await network.happenings.first(
        lambda: _waiting_for_code(network, person), "a client to offer a code", within
    )
    key = person.phone.device.identity.key
    ephemeral = KeyPair()
    connection.send(_primary_hello(entry, wrap_ephemeral(ephemeral.public, code), key))
    finish = await _within(entry.finished)
    theirs = unwrap_ephemeral(entry.wrapped_ephemeral, code)
    bundle = finish.data("link_code_pairing_wrapped_key_bundle")
    try:
        secrets = open_key_bundle(bundle, key, ephemeral, theirs)
    except DecryptError as error:
        raise PairingRefused(text="wrong code") from error
    return await _link(
        connection, person, secrets.companion_identity, secrets.adv_secret
    )


def _waiting_for_code(
    network: Network, person: Person
) -> tuple[Connection, CodeEntry] | None:
    for connection in network.connections:
        registration = connection.registration
        entry = registration.code_entry if registration else None
        if entry is not None and network.person_at(entry.jid) is person:
            return connection, entry
    return None


def _primary_hello(entry: CodeEntry, wrapped: bytes, key: KeyPair) -> Node:
    hello = Node(
        "link_code_companion_reg",
        {"stage": "primary_hello"},
        [
            Node("link_code_pairing_ref", {}, entry.ref),
            Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
            Node("primary_identity_pub", {}, key.public),
        ],
    )
    attrs: Attributes = {
        "from": SERVER_JID,
        "type": "link_code_companion_reg",
        "id": new_message_id(),
        "t": unix_now(),
    }
    return Node("notification", attrs, [hello])


async def _link(
    connection: Connection,
    person: Person,
    companion: bytes,
    adv_secret: bytes,
    *,
    fault: Fault | None = None,
    business: str | None = None,
) -> LinkedDevice:
    number = person.phone.next_device_number()
    device = LinkedDevice(
        connection.network, person, number, connection.noise_public, companion
    )
    key = person.phone.device.identity.key
    signed_for = bytes(32) if fault is Fault.WRONG_SIGNATURE else companion
    identity = LinkedIdentity(key, signed_for, key_index=number, at=unix_now())
    secret = bytes(32) if fault is Fault.WRONG_HMAC else adv_secret
    success = _pair_success(device, identity.authenticated(secret), business)
    reply = await _within(connection.request("md", success, t=unix_now()))
    if reply.attr("type") == "error":
        error = reply.child("error")
        raise PairingRefused(
            *((error.attr("code"), error.attr("text")) if error else ())
        )
    if not identity.is_signed_back(reply.data("pair-device-sign", "device-identity")):
        raise PairingRefused(text="its signature is wrong")
    person.devices[number] = device
    connection.registration = None
    connection.send(Node("stream:error", {"code": RESTART_REQUIRED}))
    connection.network.happenings.note()
    return device


def _pair_success(device: LinkedDevice, identity: bytes, business: str | None) -> Node:
    children = [
        Node("device-identity", {}, identity),
        Node("device", {"jid": device.jid, "lid": device.lid}),
        Node("platform", {"name": "android"}),
    ]
    if business:
        children.insert(1, Node("biz", {"name": business}))
    return Node("pair-success", {}, children)


async def _within(reply: asyncio.Future[Node]) -> Node:
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await reply
    except ConnectionClosed as error:
        raise PairingRefused(text="it hung up") from error
    except TimeoutError as error:
        raise PairingRefused(text="it did not answer") from error
