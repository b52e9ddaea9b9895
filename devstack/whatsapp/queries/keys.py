"""Signal keys: what the client publishes, and what it asks of others."""

from __future__ import annotations

import hashlib

from devstack.whatsapp.bundles import (
    KEY_TYPE,
    described,
    id_bytes,
    one_time_from,
    registration_bytes,
    signed_from,
    signed_node,
)
from devstack.whatsapp.devices import LinkedDevice, PublishedKeys
from devstack.whatsapp.network import unix_now
from devstack.whatsapp.queries.query import ITEM_NOT_FOUND, Query
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import Node
from devstack.whatsapp.wire.prekeys import Bundle


def count(query: Query) -> None:
    keys = query.device.keys
    query.answer(Node("count", {"value": len(keys.one_time) if keys else 0}))


def upload(query: Query) -> None:
    """Keys to begin sessions with: 812 the first time, fewer afterwards."""
    iq, device = query.iq, query.device
    signed, listed = iq.child("skey"), iq.child("list")
    if signed is None or listed is None:
        raise DecodeError("the upload has no keys")
    before = device.keys.one_time if device.keys else []
    keys = PublishedKeys(
        registration_id=int.from_bytes(iq.data("registration"), "big"),
        identity=iq.data("identity"),
        signed=signed_from(signed),
        one_time=before + [one_time_from(key) for key in listed.children],
    )
    if not Bundle(keys.registration_id, keys.identity, keys.signed).is_authentic():
        raise DecodeError("the signed prekey is not signed by the identity")
    device.publish(keys)
    query.answer()


def digest(query: Query) -> None:
    """Some clients compare after a login what the server has of theirs."""
    keys = query.device.keys
    if keys is None:
        query.refuse(*ITEM_NOT_FOUND)
        return
    hashed = hashlib.sha1(
        keys.identity
        + keys.signed.public
        + keys.signed.signature
        + b"".join(id_bytes(key.id) + key.public for key in keys.one_time)
    ).digest()
    query.answer(
        Node(
            "digest",
            {},
            [
                Node("registration", {}, registration_bytes(keys.registration_id)),
                Node("type", {}, KEY_TYPE),
                Node("identity", {}, keys.identity),
                signed_node(keys.signed),
                Node(
                    "list", {}, [Node("id", {}, id_bytes(k.id)) for k in keys.one_time]
                ),
                Node("hash", {}, hashed),
            ],
        )
    )


def rotate(query: Query) -> None:
    """A new signed prekey; it is time for one every few weeks."""
    signed = query.iq.child("rotate", "skey")
    keys = query.device.keys
    if signed is None or keys is None:
        raise DecodeError("there is no key to rotate")
    keys.signed = signed_from(signed)
    query.answer()


def fetch(query: Query) -> None:
    users = [_bundle_of(query, user) for user in query.subject.children]
    query.answer(Node("list", {}, users))


def _bundle_of(query: Query, user: Node) -> Node:
    jid = user.jid("jid")
    person = query.network.person_at(jid)
    device = person.devices.get(jid.device) if person else None
    bundle: Bundle | None = None
    if isinstance(device, LinkedDevice):
        bundle = device.take_bundle() if device.keys else None
    elif device is not None:
        bundle = device.identity.bundle()
    if bundle is None:
        code, text = ITEM_NOT_FOUND
        return Node("user", {"jid": jid}, [Node("error", {"code": code, "text": text})])
    return Node("user", {"jid": jid, "t": unix_now()}, described(bundle))
