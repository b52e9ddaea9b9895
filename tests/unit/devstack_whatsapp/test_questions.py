from __future__ import annotations

import pytest

from devstack.whatsapp import Group, Person
from devstack.whatsapp.network import Network
from devstack.whatsapp.server import ChatServer
from devstack.whatsapp.wire.nodes import SERVER_JID, Attributes, Jid, Node
from tests.unit.devstack_whatsapp.world import Client, person


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def ana(network: Network) -> Person:
    return person(network, "5511912345678", "Ana")


@pytest.fixture
def client(network: Network, ana: Person) -> Client:
    return Client(network, ana)


def ask(client: Client, xmlns: str, subject: Node, to: Jid = SERVER_JID) -> Node:
    attrs: Attributes = {"id": "1.2-3", "xmlns": xmlns, "type": "get", "to": to}
    server = ChatServer(client.socket.network)
    server.receive(client.socket.as_connection(), Node("iq", attrs, [subject]))
    [reply] = client.socket.sent_with("iq")
    client.socket.sent.clear()
    assert (reply.attrs["from"], reply.attr("id")) == (to, "1.2-3")
    return reply


def on_whatsapp(client: Client, number: str) -> Node:
    asked = [Node("contact", {}, number.encode())]
    listed = Node("list", {}, [Node("user", {}, asked)])
    query = Node("query", {}, [Node("contact")])
    reply = ask(client, "usync", Node("usync", {"sid": "1"}, [query, listed]))
    user = reply.child("usync", "list", "user")
    assert user is not None
    return user


def test_what_is_unknown_is_refused_and_recorded(
    network: Network, client: Client
) -> None:
    reply = ask(client, "w:newsletter", Node("subscribe"))

    assert reply.attr("type") == "error"
    assert [stanza.attr("xmlns") for stanza in network.unanswered] == ["w:newsletter"]


def test_what_is_malformed_is_refused_and_recorded(
    network: Network, client: Client
) -> None:
    reply = ask(client, "usync", Node("usync"))

    assert reply.attr("type") == "error"
    assert len(network.unanswered) == 1


def test_a_number_on_whatsapp_is_answered_by_its_lid(
    network: Network, client: Client
) -> None:
    bob = person(network, "5521987654321", "Bob")

    user = on_whatsapp(client, "+5521987654321@c.us")

    contact = user.child("contact")
    assert contact is not None
    assert contact.attr("type") == "in"
    assert (user.attrs["jid"], user.attrs["pn_jid"]) == (bob.lid, bob.jid)


def test_a_client_that_knows_no_lids_is_answered_by_number(
    network: Network, client: Client
) -> None:
    bob = person(network, "5521987654321", "Bob")
    client.socket.payload.lidDbMigrated = False

    user = on_whatsapp(client, "+5521987654321@c.us")

    assert (user.attrs["jid"], user.attrs["lid"]) == (bob.jid, bob.lid)


@pytest.mark.parametrize("number", ["5521987654321", "5521900000000"])
def test_a_number_that_is_not_on_whatsapp_says_so(
    network: Network, client: Client, number: str
) -> None:
    person(network, "5521987654321", "Bob").on_whatsapp = False

    contact = on_whatsapp(client, f"+{number}@c.us").child("contact")

    assert contact is not None
    assert contact.attr("type") == "out"


def test_only_members_learn_about_a_group(
    network: Network, client: Client, ana: Person
) -> None:
    bob = person(network, "5521987654321", "Bob")
    group = network.groups["1"] = Group("Colegas", bob, [])
    network.groups[group.jid.user] = group

    refused = ask(client, "w:g2", Node("query"), group.jid)
    group.adds(ana)
    answered = ask(client, "w:g2", Node("query"), group.jid)

    error, described = refused.child("error"), answered.child("group")
    assert error is not None
    assert described is not None
    assert error.attr("code") == "403"
    assert described.attr("subject") == "Colegas"
    ranks = [one.attr("type") for one in described.all("participant")]
    assert ranks == ["superadmin", ""]


def test_a_person_without_a_picture_has_none(network: Network, client: Client) -> None:
    bob = person(network, "5521987654321", "Bob")
    attrs: Attributes = {
        "id": "1",
        "xmlns": "w:profile:picture",
        "type": "get",
        "to": SERVER_JID,
        "target": bob.jid,
    }
    iq = Node("iq", attrs, [Node("picture", {"type": "image"})])
    server = ChatServer(network)

    server.receive(client.socket.as_connection(), iq)
    bob.shows_picture(b"jpeg")
    server.receive(client.socket.as_connection(), iq)

    without, with_one = client.socket.sent_with("iq")
    picture = with_one.child("picture")
    assert without.attr("type") == "error"
    assert picture is not None
    path = picture.attr("direct_path")
    assert network.media.get(path) == b"jpeg"


def test_a_look_up_may_be_refused_and_is_kept(
    network: Network, ana: Person, client: Client
) -> None:
    group = Group("Família", ana, [])
    network.groups[group.jid.user] = group
    network.faults.refusals.add(429, times=1, subject="group")

    refused = ask(client, "w:g2", Node("query"), to=group.jid)
    answered = ask(client, "w:g2", Node("query"), to=group.jid)

    error = refused.child("error")
    assert error is not None
    assert (error.attr("code"), answered.attr("type")) == ("429", "result")
    kept = network.look_ups.of("group")
    assert [(one.about, one.refused) for one in kept] == [
        ((group.jid,), 429),
        ((group.jid,), None),
    ]


async def test_slow_look_ups_show_how_many_are_under_way(
    network: Network, ana: Person, client: Client
) -> None:
    group = Group("Família", ana, [])
    network.groups[group.jid.user] = group
    network.faults.look_ups_take = 0.01
    server = ChatServer(network)
    for number in range(2):
        attrs: Attributes = {"id": f"{number}", "xmlns": "w:g2", "to": group.jid}
        iq = Node("iq", attrs, [Node("query")])
        server.receive(client.socket.as_connection(), iq)
    assert client.socket.sent_with("iq") == []

    await network.happenings.until(
        lambda: len(client.socket.sent_with("iq")) == 2, "both answers", 1
    )

    assert network.look_ups.most_at_once == 2


def test_a_group_tells_all_that_it_is(
    network: Network, ana: Person, client: Client
) -> None:
    bob = person(network, "5521987654321", "Bob")
    group = Group("Família", bob, [ana])
    network.groups[group.jid.user] = group
    group.describes("Only family")
    group.announces_only()
    group.promotes(ana)

    reply = ask(client, "w:g2", Node("query"), to=group.jid)

    described = reply.child("group")
    assert described is not None
    body = described.child("description", "body")
    assert body is not None
    assert body.data() == b"Only family"
    assert described.child("announcement") is not None
    members = [child for child in described.children if child.tag == "participant"]
    assert [member.attr("type") for member in members] == ["superadmin", "admin"]


def test_who_has_the_picture_is_told_that_it_is_the_same(
    network: Network, client: Client
) -> None:
    bob = person(network, "5521987654321", "Bob")
    bob.shows_picture(b"jpeg")

    def asked(known: str | None) -> Node:
        attrs: Attributes = {"query": "url", "type": "preview", "id": known}
        iq: Attributes = {
            "id": "1",
            "xmlns": "w:profile:picture",
            "to": SERVER_JID,
            "target": bob.lid,
        }
        server = ChatServer(network)
        picture = Node("picture", attrs)
        server.receive(client.socket.as_connection(), Node("iq", iq, [picture]))
        answer = client.socket.sent[-1].child("picture")
        assert answer is not None
        return answer

    shown = asked(None)
    again = asked(shown.attr("id"))

    assert (shown.attr("type"), again.attr("status")) == ("preview", "304")
