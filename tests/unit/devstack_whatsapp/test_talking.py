"""What people say, encrypted for clients and decrypted from them, without sockets."""

from __future__ import annotations

import pytest

from devstack.whatsapp import Group, Letter, Person
from devstack.whatsapp.network import Network
from devstack.whatsapp.receipts import take_receipt
from devstack.whatsapp.routing import take_message
from devstack.whatsapp.wire.errors import DecryptError
from devstack.whatsapp.wire.nodes import Attributes, Node
from devstack.whatsapp.wire.protobufs import E2E
from tests.unit.devstack_whatsapp.world import Client, person


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def bob(network: Network) -> Person:
    return person(network, "5521987654321", "Bob")


@pytest.fixture
def carla(network: Network) -> Person:
    return person(network, "5531976543210", "Carla")


@pytest.fixture
def ana(network: Network) -> Person:
    return person(network, "5511912345678", "Ana")


@pytest.fixture
def client(network: Network, ana: Person) -> Client:
    client = Client(network, ana)
    client.publish_keys()
    return client


def decrypted(client: Client, stanza: Node, sender: Person) -> E2E.Message:
    plaintext = client.identity.decrypt(
        (sender.lid_user, 0), stanza.children[0].attr("type"), stanza.data("enc")
    )
    return E2E.Message.FromString(plaintext)


def outgoing(client: Client, to: Person, text: str, message_id: str) -> Node:
    """What a client sends: one ciphertext for the phone of `to`."""
    address = (to.lid_user, 0)
    if not client.identity.has_session(address):
        client.identity.start_session(address, to.phone.device.identity.bundle())
    plaintext = E2E.Message(conversation=text).SerializeToString()
    kind, ciphertext = client.identity.encrypt(address, plaintext)
    enc = Node("enc", {"v": 2, "type": kind}, ciphertext)
    attrs: Attributes = {"id": message_id, "to": to.lid, "type": "text"}
    listed = Node("participants", {}, [Node("to", {"jid": to.lid}, [enc])])
    return Node("message", attrs, [listed])


async def test_a_client_can_read_what_is_said_to_its_person(
    client: Client, ana: Person, bob: Person
) -> None:
    sent = await bob.says(ana, "oi", addressing="pn")

    [stanza] = client.socket.sent_with("message")
    assert decrypted(client, stanza, bob).conversation == "oi"
    assert stanza.attrs["id"] == sent.id
    assert stanza.attrs["from"] == bob.jid
    assert stanza.attrs["sender_lid"] == bob.lid


async def test_what_is_typed_on_the_phone_reaches_clients_as_a_copy(
    client: Client, ana: Person, bob: Person
) -> None:
    await ana.phone.says(bob, "typed")

    [stanza] = client.socket.sent_with("message")
    copy = decrypted(client, stanza, ana).deviceSentMessage
    assert (copy.destinationJID, copy.message.conversation) == (str(bob.lid), "typed")
    assert (await bob.hears()).text == "typed"


async def test_a_person_hears_a_message_once_however_often_it_is_sent(
    network: Network, client: Client, bob: Person
) -> None:
    message = outgoing(client, bob, "oi", "3EB01")
    take_message(network, client.device, message)
    take_message(network, client.device, outgoing(client, bob, "oi", "3EB01"))

    assert [heard.whatsapp_id for heard in bob.heard] == ["3EB01"]
    acks = client.socket.sent_with("ack")
    assert [ack.attr("id") for ack in acks] == ["3EB01", "3EB01"]


async def test_delivery_is_confirmed_as_the_person_wishes(
    network: Network, client: Client, bob: Person
) -> None:
    for policy, message_id in (("none", "1"), ("delivered", "2"), ("read", "3")):
        bob.receipts = policy  # type: ignore[assignment]  # a str, to mypy
        take_message(network, client.device, outgoing(client, bob, "oi", message_id))

    receipts = client.socket.sent_with("receipt")
    confirmed = [(receipt.attr("id"), receipt.attr("type")) for receipt in receipts]
    assert confirmed == [("2", ""), ("3", ""), ("3", "read")]


async def test_the_next_message_alone_can_be_refused(
    network: Network, client: Client, bob: Person
) -> None:
    network.faults.next_ack_error = 463
    take_message(network, client.device, outgoing(client, bob, "no", "1"))
    take_message(network, client.device, outgoing(client, bob, "yes", "2"))

    acks = client.socket.sent_with("ack")
    assert [ack.attr("error") for ack in acks] == ["463", ""]
    assert [heard.text for heard in bob.heard] == ["yes"]


async def test_what_a_phone_cannot_decrypt_it_asks_for_again(
    network: Network, client: Client, bob: Person
) -> None:
    take_message(network, client.device, outgoing(client, bob, "one", "1"))
    await bob.says(client.device.person, "an answer ends the pkmsg phase")
    decrypted(client, client.socket.sent_with("message")[0], bob)
    bob.phone.device.identity.forget_session(client.device.address)

    take_message(network, client.device, outgoing(client, bob, "two", "2"))

    retry = client.socket.sent_with("receipt")[-1]
    assert (retry.attr("type"), retry.attr("id")) == ("retry", "2")
    assert [child.tag for child in retry.children] == ["retry", "registration", "keys"]
    assert [heard.text for heard in bob.heard] == ["one"]


async def test_what_a_client_cannot_decrypt_is_encrypted_anew(
    network: Network, client: Client, ana: Person, bob: Person
) -> None:
    await bob.says(ana, "a session is there")
    bob.phone.device.identity.damage_session(client.device.address)
    sent = await bob.says(ana, "unreadable")
    damaged = client.socket.sent_with("message")[-1]
    with pytest.raises(DecryptError):
        decrypted(client, damaged, bob)

    attrs: Attributes = {"id": sent.id, "to": bob.lid, "type": "retry"}
    retry = Node("retry", {"count": 1, "id": sent.id})
    take_receipt(network, client.device, Node("receipt", attrs, [retry]))

    again = client.socket.sent_with("message")[-1]
    assert decrypted(client, again, bob).conversation == "unreadable"
    assert again.children[0].attr("count") == "1"
    assert again.attrs["id"] == sent.id


async def test_a_group_shares_one_ciphertext_and_tells_its_key_once(
    network: Network, client: Client, ana: Person, bob: Person, carla: Person
) -> None:
    family = Group("Família", bob, [ana, carla])
    network.groups[family.jid.user] = family
    await bob.says(family, "one")
    await bob.says(family, "two")

    first, second = client.socket.sent_with("message")
    assert [enc.attr("type") for enc in first.children] == ["pkmsg", "skmsg"]
    assert [enc.attr("type") for enc in second.children] == ["skmsg"]
    told = decrypted(client, first, bob).senderKeyDistributionMessage
    name, sender = str(family.jid), (bob.lid_user, 0)
    client.identity.take_distribution(
        name, sender, told.axolotlSenderKeyDistributionMessage
    )
    texts = [
        E2E.Message.FromString(
            client.identity.group_decrypt(name, sender, enc.data())
        ).conversation
        for enc in (first.children[1], second.children[0])
    ]
    assert texts == ["one", "two"]
    assert [heard.text for heard in carla.heard] == ["one", "two"]


async def test_the_key_changes_when_a_member_leaves(
    client: Client, ana: Person, bob: Person, carla: Person
) -> None:
    family = Group("Família", bob, [ana, carla])
    await bob.says(family, "with Carla")
    family.removes(carla)
    await bob.says(family, "without Carla")

    after = client.socket.sent_with("message")[-1]
    assert [enc.attr("type") for enc in after.children] == ["pkmsg", "skmsg"]
    assert [heard.text for heard in carla.heard] == ["with Carla"]


async def test_a_reaction_or_an_edit_is_a_letter_of_its_own(
    client: Client, ana: Person, bob: Person
) -> None:
    letter = Letter(
        message=E2E.Message(conversation="edited"), attributes={"edit": "1"}
    )
    await bob.sends(ana, letter)

    [stanza] = client.socket.sent_with("message")
    assert stanza.attr("edit") == "1"
