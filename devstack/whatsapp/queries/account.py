"""Questions about the connection and the account itself."""

from __future__ import annotations

from devstack.whatsapp import login
from devstack.whatsapp.media_host import HOST, PICTURE_HOST
from devstack.whatsapp.queries.query import Query
from devstack.whatsapp.wire.nodes import Attributes, Node

ITEM_NOT_FOUND = (404, "item-not-found")
PRIVACY = (
    "readreceipts",
    "last",
    "status",
    "profile",
    "groupadd",
    "online",
    "calladd",
)


def ping(query: Query) -> None:
    query.answer()


def activate(query: Query) -> None:
    query.answer()
    if not query.connection.is_active:
        login.activate(query.connection, query.device)


def media_connection(query: Query) -> None:
    host = Node("host", {"hostname": HOST, "type": "primary"})
    attrs: Attributes = {
        "auth": "AUTH",
        "auth_ttl": 21_600,
        "ttl": 300,
        "max_buckets": 12,
    }
    query.answer(Node("media_conn", attrs, [host]))


def picture(query: Query) -> None:
    person = query.network.person_at(query.iq.jid("target"))
    path = person.picture_path if person else None
    if path is None:
        query.refuse(*ITEM_NOT_FOUND)
        return
    kind = query.subject.attr("type", "image")
    url = f"https://{PICTURE_HOST}{path}"
    attrs: Attributes = {
        "id": picture_id(path),
        "type": kind,
        "url": url,
        "direct_path": path,
    }
    query.answer(Node("picture", attrs))


def picture_id(path: str) -> int:
    """A number that changes with the picture."""
    return int.from_bytes(path.encode()[-12:-8], "big")


def privacy(query: Query) -> None:
    categories = [Node("category", {"name": name, "value": "all"}) for name in PRIVACY]
    query.answer(Node("privacy", {}, categories))


def blocklist(query: Query) -> None:
    query.answer(Node("list", {"dhash": "none"}))


def properties(query: Query) -> None:
    """Experiments that WhatsApp runs on its clients: none here."""
    attrs: Attributes = {
        "protocol": 1,
        "hash": "none",
        "ab_key": "none",
        "refresh": 86_400,
        "refresh_id": 1,
    }
    query.answer(Node("props", attrs, []))
