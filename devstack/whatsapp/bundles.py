"""A device's public keys as elements of a stanza."""

from __future__ import annotations

from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import Node
from devstack.whatsapp.wire.prekeys import (
    Bundle,
    OneTimePrekey,
    SignedPrekey,
)

KEY_TYPE = b"\x05"  # Curve25519
REGISTRATION_BYTES, ID_BYTES = 4, 3


def described(bundle: Bundle) -> list[Node]:
    """Registration id, type, identity, one-time prekey if any, and signed prekey."""
    one_time = [one_time_node(bundle.one_time)] if bundle.one_time else []
    return [
        Node("registration", {}, registration_bytes(bundle.registration_id)),
        Node("type", {}, KEY_TYPE),
        Node("identity", {}, bundle.identity),
        *one_time,
        signed_node(bundle.signed),
    ]


def registration_bytes(registration_id: int) -> bytes:
    return registration_id.to_bytes(REGISTRATION_BYTES, "big")


def id_bytes(key_id: int) -> bytes:
    return key_id.to_bytes(ID_BYTES, "big")


def one_time_node(key: OneTimePrekey) -> Node:
    children = [Node("id", {}, id_bytes(key.id)), Node("value", {}, key.public)]
    return Node("key", {}, children)


def signed_node(key: SignedPrekey) -> Node:
    return Node(
        "skey",
        {},
        [
            Node("id", {}, id_bytes(key.id)),
            Node("value", {}, key.public),
            Node("signature", {}, key.signature),
        ],
    )


def one_time_from(node: Node) -> OneTimePrekey:
    """Raises DecodeError."""
    return OneTimePrekey(int.from_bytes(node.data("id"), "big"), node.data("value"))


def signed_from(node: Node) -> SignedPrekey:
    """Raises DecodeError."""
    return SignedPrekey(
        int.from_bytes(node.data("id"), "big"),
        node.data("value"),
        node.data("signature"),
    )


def bundle_from(registration: bytes, keys: Node) -> Bundle:
    """What a client that could not decrypt encloses. Raises DecodeError."""
    one_time, signed = keys.child("key"), keys.child("skey")
    if signed is None:
        raise DecodeError("keys without a signed one")
    return Bundle(
        int.from_bytes(registration, "big"),
        keys.data("identity"),
        signed_from(signed),
        one_time_from(one_time) if one_time is not None else None,
    )
