"""usync: who is on WhatsApp, with which devices, LID, picture and about text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from devstack.whatsapp.network import unix_now
from devstack.whatsapp.people import Person
from devstack.whatsapp.queries.query import Query
from devstack.whatsapp.verified_names import verified_name
from devstack.whatsapp.wire.errors import DecodeError
from devstack.whatsapp.wire.nodes import PN, Jid, Node

ECHOED = ("sid", "mode", "last", "index", "context")


def look_up(query: Query) -> None:
    asked, listed = query.subject.child("query"), query.subject.child("list")
    if asked is None or listed is None:
        raise DecodeError("a usync asks for nothing")
    wanted = [protocol.tag for protocol in asked.children]
    found = [
        node
        for user in listed.children
        if (node := _look_up(query, user, wanted)) is not None
    ]
    attrs = {name: query.subject.attr(name) for name in ECHOED}
    result = Node("result", {}, [Node(protocol) for protocol in wanted])
    query.answer(Node("usync", attrs, [result, Node("list", {}, found)]))


def _look_up(query: Query, user: Node, wanted: list[str]) -> Node | None:
    if user.child("contact") is not None:
        return _by_number(query, user.data("contact"))
    jid = user.jid("jid")
    person = query.network.person_at(jid)
    if person is None or not person.on_whatsapp:
        return None
    known = {
        "devices": _devices,
        "lid": _lid,
        "status": _about,
        "picture": _picture,
        "business": _business,
    }
    children = [known[name](person, jid) for name in wanted if name in known]
    return Node("user", {"jid": jid}, children)


def _by_number(query: Query, asked: bytes) -> Node:
    """Is this number on WhatsApp? Answered by LID to clients that are ready for it."""
    number = asked.decode().partition("@")[0].removeprefix("+")
    person = query.network.people.get(number)
    if person is None or not person.on_whatsapp:
        jid = Jid(number, PN)
        contact = Node("contact", {"type": "out"}, asked)
        return Node("user", {"jid": jid, "pn_jid": jid}, [contact])
    found = [Node("contact", {"type": "in"}, asked)]
    if person.business_name:
        found.append(_business(person, person.jid))
    payload = query.connection.payload
    if payload is not None and payload.lidDbMigrated:
        return Node("user", {"jid": person.lid, "pn_jid": person.jid}, found)
    return Node("user", {"jid": person.jid, "lid": person.lid}, found)


def _devices(person: Person, asked: Jid) -> Node:
    numbers = sorted(person.devices)
    listed = [Node("device", {"id": n, "key-index": n or None}) for n in numbers]
    jids = (Jid(asked.user, asked.server, number) for number in numbers)
    device_list = Node("device-list", {"hash": participant_hash(jids)}, listed)
    return Node("devices", {}, [device_list])


def _lid(person: Person, _asked: Jid) -> Node:
    return Node("lid", {"val": person.lid})


def _about(person: Person, _asked: Jid) -> Node:
    return Node("status", {"t": unix_now()}, person.about.encode())


def _picture(person: Person, _asked: Jid) -> Node:
    shown = None if person.picture_refusal else person.picture
    return Node("picture", {"id": shown.id} if shown else {})


def _business(person: Person, _asked: Jid) -> Node:
    name = person.business_name
    return Node("business", {}, [verified_name(name)] if name else None)


def participant_hash(jids: Iterable[Jid]) -> str:
    """`2:` and eight letters that stand for a set of devices."""
    joined = "".join(sorted(jid.ad_string for jid in jids))
    digest = hashlib.sha256(joined.encode()).digest()[:6]
    return "2:" + base64.b64encode(digest).decode().rstrip("=")
