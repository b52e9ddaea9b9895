"""Who is shown that somebody types or is online: as few as on WhatsApp."""

from __future__ import annotations

import pytest

from devstack.whatsapp import Group, Person, presence
from devstack.whatsapp.network import Network
from devstack.whatsapp.wire.nodes import Node
from tests.unit.devstack_whatsapp.world import Client, person

AVAILABLE = Node("presence", {"type": "available"})


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def ana(network: Network) -> Person:
    return person(network, "5511900000001", "Ana")


@pytest.fixture
def bob(network: Network) -> Person:
    return person(network, "5511900000002", "Bob")


@pytest.fixture
def client(network: Network, ana: Person) -> Client:
    return Client(network, ana)


async def test_typing_is_shown_to_clients_that_appear_online(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    await bob.types(ana)
    presence.take(network, client.device, AVAILABLE)
    await bob.types(ana)
    presence.take(network, client.device, Node("presence", {"type": "unavailable"}))
    await bob.types(ana)

    assert len(client.socket.sent_with("chatstate")) == 1


async def test_typing_in_a_group_names_the_group_and_who_types(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    presence.take(network, client.device, AVAILABLE)
    group = Group("Família", bob, [ana])

    await bob.records(group)

    [shown] = client.socket.sent_with("chatstate")
    assert (shown.jid("from"), shown.jid("participant")) == (group.jid, bob.lid)
    assert shown.children[0].attr("media") == "audio"


async def test_presence_is_told_to_who_subscribed(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    presence.take(network, client.device, AVAILABLE)
    await bob.comes_online(ana)
    assert client.socket.sent_with("presence") == []

    subscription = Node("presence", {"type": "subscribe", "to": bob.jid})
    presence.take(network, client.device, subscription)
    await bob.goes_offline(ana)

    online, offline = client.socket.sent_with("presence")
    assert (online.attr("type"), offline.attr("type")) == ("", "unavailable")


def test_a_subscription_ends_with_the_connection(
    network: Network, client: Client, bob: Person
) -> None:
    presence.take(network, client.device, AVAILABLE)
    subscription = Node("presence", {"type": "subscribe", "to": bob.lid})
    presence.take(network, client.device, subscription)

    presence.forget(client.device)

    assert (client.device.is_online, client.device.watches) == (False, set())
