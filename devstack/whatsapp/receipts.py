"""Receipts in both directions: who has received, read or played which message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from devstack.whatsapp.bundles import bundle_from, described
from devstack.whatsapp.context import Addressing
from devstack.whatsapp.devices import LinkedDevice
from devstack.whatsapp.emulated import EmulatedDevice
from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import HeardMessage
from devstack.whatsapp.network import Network, unix_now
from devstack.whatsapp.receipt_book import ClientReceipt
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import GROUP, Attributes, Jid, Node
from devstack.whatsapp.wire.prekeys import Bundle

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Tick: TypeAlias = Literal["read", "played"] | None  # None is "delivered"

RETRY = "retry"
# What a client tells its own phone or the server; no other person learns of it.
PRIVATE = {"sender", "peer_msg", "hist_sync", "read-self", "server-error"}
COPIED_INTO_ACK = ("id", "type", "participant", "recipient")
UNSAID = {"", "inactive"}  # delivered, to a client that is or is not in the foreground


def confirm(reader: Person, message: HeardMessage, tick: Tick) -> None:
    """Tell the linked devices of whoever sent `message` about it."""
    attrs: Attributes = {
        **_whereabouts(reader, message),
        "id": message.whatsapp_id,
        "t": unix_now(),
        "type": tick,
    }
    for device in message.sender.linked_devices:
        device.deliver(Node("receipt", attrs))


def tell_own_devices(
    reader: Person,
    chat: Person | Group,
    messages: Sequence[HeardMessage],
    tick: Literal["read", "read-self", "played", "played-self"],
    addressing: Addressing,
) -> None:
    """The phone read these: one receipt for the messages of each author."""
    by_author: dict[Person, list[str]] = {}
    for message in messages:
        by_author.setdefault(message.sender, []).append(message.whatsapp_id)
    for author, (first, *more) in by_author.items():
        attrs: Attributes = {
            **_own_whereabouts(reader, chat, author, addressing),
            "id": first,
            "t": unix_now(),
            "type": tick,
        }
        items = [Node("item", {"id": one}) for one in more]
        listed = [Node("list", {}, items)] if items else None
        for device in reader.linked_devices:
            device.deliver(Node("receipt", attrs, listed))


def _own_whereabouts(
    reader: Person, chat: Person | Group, author: Person, addressing: Addressing
) -> Attributes:
    if isinstance(chat, Group):
        return {
            "from": chat.jid,
            "participant": chat.address(reader),
            "recipient": chat.address(author),
        }
    if addressing == "pn":
        return {"from": reader.jid, "recipient": chat.jid}
    return {"from": reader.lid, "recipient": chat.lid, "peer_recipient_pn": chat.jid}


def _whereabouts(reader: Person, message: HeardMessage) -> Attributes:
    if isinstance(message.chat, Group):
        return {"from": message.chat.jid, "participant": reader.lid}
    return {"from": reader.lid}


def ask_again(
    by: EmulatedDevice, sender: LinkedDevice, stanza: Node, count: int
) -> None:
    """A retry receipt: `by` could not decrypt, here are its keys for a new session."""
    to = stanza.jid("to")
    registration, *keys = described(by.identity.bundle())
    now = unix_now()
    message_id = stanza.attr("id")
    retry: Attributes = {"count": count, "id": message_id, "t": now, "v": 1}
    place: Attributes = (
        {"from": to, "participant": by.lid} if to.server == GROUP else {"from": by.lid}
    )
    children = [Node("retry", retry), registration, Node("keys", {}, keys)]
    attrs: Attributes = {**place, "id": message_id, "type": RETRY, "t": now}
    sender.deliver(Node("receipt", attrs, children))


def take_receipt(network: Network, device: LinkedDevice, stanza: Node) -> None:
    """A linked device said what it has; settle that and pass it on."""
    kind = stanza.attr("type")
    message_ids = _message_ids(stanza)
    for message_id in message_ids:
        device.settle("message", {"id": message_id})
    author = stanza.attrs.get("participant")
    network.receipts.add(
        ClientReceipt(
            device,
            "" if kind in UNSAID else kind,
            message_ids,
            stanza.jid("to"),
            author if isinstance(author, Jid) else None,
            device.connection.caller if device.connection is not None else "",
        )
    )
    if device.connection is not None:
        device.connection.send(_ack(stanza))
    if kind == RETRY:
        device.asks_again(stanza.attr("id"))
        _repeat(network, device, stanza)
    elif kind not in PRIVATE:
        _pass_on(network, device, stanza, "" if kind in UNSAID else kind)
    network.happenings.note()


def _ack(stanza: Node) -> Node:
    copied: Attributes = {name: stanza.attrs.get(name) for name in COPIED_INTO_ACK}
    to: Attributes = {"from": stanza.jid("to"), "t": unix_now()}
    return Node("ack", {"class": "receipt", **copied, **to})


def _message_ids(stanza: Node) -> tuple[str, ...]:
    listed = stanza.child("list")
    more = [item.attr("id") for item in listed.children] if listed else []
    return (stanza.attr("id"), *more)


def _author(stanza: Node) -> Jid:
    participant = stanza.attrs.get("participant")
    return participant if isinstance(participant, Jid) else stanza.jid("to")


def _repeat(network: Network, device: LinkedDevice, stanza: Node) -> None:
    """The device could not decrypt: whoever encrypted must do so again."""
    author = _author(stanza)
    person = network.person_at(author)
    encryptor = person.devices.get(author.device) if person else None
    retry = stanza.child("retry")
    if isinstance(encryptor, EmulatedDevice):
        count = int(retry.attr("count", "1")) if retry else 1
        bundle = _enclosed_bundle(stanza)
        encryptor.post_again(device, stanza.attr("id"), count, bundle)
    elif encryptor is not None:
        attrs = _passed_attributes(device.lid, stanza, RETRY)
        encryptor.deliver(Node("receipt", attrs, list(stanza.children)))


def _enclosed_bundle(stanza: Node) -> Bundle | None:
    """A client's second retry receipt has keys: the server's may be of a store it has lost."""
    keys = stanza.child("keys")
    return bundle_from(stanza.data("registration"), keys) if keys is not None else None


def _pass_on(network: Network, device: LinkedDevice, stanza: Node, kind: str) -> None:
    """Ticks of one linked device reach the linked devices of whoever wrote."""
    author = network.person_at(_author(stanza))
    if author is None or author is device.person:
        return
    attrs = _passed_attributes(device.person.lid, stanza, kind)
    for other in author.linked_devices:
        other.deliver(Node("receipt", attrs, list(stanza.children) or None))


def _passed_attributes(reader: Jid, stanza: Node, kind: str) -> Attributes:
    to = stanza.jid("to")
    place: Attributes = {"from": reader}
    if to.server == GROUP:
        place = {"from": to, "participant": reader}
    return {
        **place,
        "id": stanza.attr("id"),
        "t": stanza.attr("t") or unix_now(),
        "type": kind,
    }


def take_ack(device: LinkedDevice, stanza: Node) -> None:
    """It has a notification, a receipt, or (some clients say so) a message."""
    tag = stanza.attr("class")
    if not tag:
        raise DecodeError("an ack names no class")
    device.acknowledges(tag, stanza.attrs)
