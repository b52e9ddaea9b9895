from __future__ import annotations

import pytest

from devstack.whatsapp import Person
from devstack.whatsapp.login import activate
from devstack.whatsapp.network import Network
from devstack.whatsapp.receipts import take_ack, take_receipt
from devstack.whatsapp.wire.nodes import Attributes, Node
from tests.unit.devstack_whatsapp.world import Client, person


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def bob(network: Network) -> Person:
    return person(network, "5521987654321", "Bob")


@pytest.fixture
def ana(network: Network) -> Person:
    return person(network, "5511912345678", "Ana")


@pytest.fixture
def client(network: Network, ana: Person) -> Client:
    client = Client(network, ana)
    client.publish_keys()
    client.device.introduced = True
    return client


def receipt(message_id: str, to: Person, **attrs: str) -> Node:
    everything: Attributes = {"id": message_id, "to": to.lid, **attrs}
    return Node("receipt", everything)


async def test_a_message_is_kept_until_it_is_receipted(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    sent = await bob.says(ana, "oi")
    assert [message.attr("id") for message in client.device.undelivered] == [sent.id]

    take_receipt(network, client.device, receipt(sent.id, bob))

    assert client.device.undelivered == []
    assert client.socket.sent_with("ack")[0].attr("class") == "receipt"


async def test_one_receipt_can_be_for_many_messages(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    sent = [await bob.says(ana, text) for text in ("one", "two", "three")]
    items = [Node("item", {"id": message.id}) for message in sent[1:]]
    whole = receipt(sent[0].id, bob, type="read")
    whole.content = [Node("list", {}, items)]

    take_receipt(network, client.device, whole)

    assert client.device.undelivered == []
    assert network.receipts.all[0].message_ids == tuple(one.id for one in sent)


async def test_what_was_not_receipted_comes_again_and_the_rest_does_not(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    first, second = await bob.says(ana, "one"), await bob.says(ana, "two")
    take_receipt(network, client.device, receipt(first.id, bob))
    client.disconnect()
    third = await bob.says(ana, "three")

    socket = client.connect()
    activate(socket.as_connection(), client.device)

    again = socket.sent_with("message")
    assert [message.attr("id") for message in again] == [second.id, third.id]
    assert {message.attr("offline") for message in again} == {"0"}
    preview, done = (stanza.children[0] for stanza in socket.sent_with("ib"))
    assert (preview.tag, preview.attr("message")) == ("offline_preview", "2")
    assert (done.tag, done.attr("count")) == ("offline", "2")


async def test_receipts_are_kept_until_acknowledged_one_by_one(
    client: Client, ana: Person, bob: Person
) -> None:
    sent = await ana.phone.says(bob, "typed")
    heard = await bob.hears()
    await bob.reads(heard)
    kept = [s for s in client.device.everything_kept() if s.tag == "receipt"]
    assert [stanza.attr("type") for stanza in kept] == ["", "read"]

    ack: Attributes = {"class": "receipt", "id": sent.id, "to": bob.lid, "type": "read"}
    take_ack(client.device, Node("ack", ack))

    kept = [s for s in client.device.everything_kept() if s.tag == "receipt"]
    assert [stanza.attr("type") for stanza in kept] == [""]


async def test_an_ack_for_what_was_unreadable_does_not_settle_what_comes_instead(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    sent = await bob.says(ana, "unreadable")
    retry = receipt(sent.id, bob, type="retry")
    retry.content = [Node("retry", {"count": 1, "id": sent.id})]
    take_receipt(network, client.device, retry)

    take_ack(client.device, Node("ack", {"class": "message", "id": sent.id}))
    kept = client.device.undelivered
    take_receipt(network, client.device, receipt(sent.id, bob))

    assert [message.attr("id") for message in kept] == [sent.id]
    assert client.device.undelivered == []


def test_withheld_acks_come_when_they_are_released(client: Client) -> None:
    client.device.withhold_acks()
    client.device.acknowledge(Node("ack", {"id": "1"}))
    assert client.socket.sent == []

    client.device.release_acks()

    assert [ack.attr("id") for ack in client.socket.sent] == ["1"]


async def test_presence_is_for_now_or_never(
    client: Client, ana: Person, bob: Person
) -> None:
    client.disconnect()
    await bob.types(ana)

    assert client.device.everything_kept() == []


async def test_what_is_said_before_there_are_keys_is_encrypted_with_them(
    network: Network, ana: Person, bob: Person
) -> None:
    client = Client(network, ana)
    await bob.says(ana, "early")
    assert client.device.undelivered == []

    client.publish_keys()

    assert len(client.device.undelivered) == 1


async def test_a_device_that_runs_out_of_keys_is_asked_for_more_once(
    network: Network, client: Client, ana: Person
) -> None:
    del client.device.published_keys.one_time[5:]
    for number in range(3):
        stranger = person(network, f"55219000000{number}", "Stranger")
        await stranger.says(ana, "oi")

    [asked] = client.socket.sent_with("notification")

    assert (asked.attr("type"), asked.children[0].attr("value")) == ("encrypt", "4")


async def test_a_removed_device_is_told_and_no_longer_linked(
    client: Client, ana: Person
) -> None:
    ana.phone.unlinks(client.device)

    [error] = client.socket.sent
    conflict = error.child("conflict")
    assert conflict is not None
    assert (error.attr("code"), conflict.attr("type")) == ("401", "device_removed")
    assert client.socket.ended == "closed"
    assert not client.device.is_linked
