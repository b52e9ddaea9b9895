"""Questions about the connection and the account itself."""

from __future__ import annotations

from devstack.whatsapp import login
from devstack.whatsapp.media_host import HOST, PICTURE_HOST
from devstack.whatsapp.pictures import Picture
from devstack.whatsapp.queries.query import ITEM_NOT_FOUND, REFUSALS, Query
from devstack.whatsapp.wire.nodes import Attributes, Node

NOT_MODIFIED = 304
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
    """Of a person or a group; nothing new for who has the present one already."""
    target = query.iq.jid("target")
    shown = query.network.person_at(target) or query.network.group_at(target)
    if shown is not None and shown.picture_refusal is not None:
        query.refuse(*REFUSALS[shown.picture_refusal])
    elif shown is None or shown.picture is None:
        query.refuse(*ITEM_NOT_FOUND)
    elif query.subject.attr("id") == shown.picture.id:
        query.answer(Node("picture", {"status": NOT_MODIFIED}))
    else:
        _show(query, shown.picture)


def _show(query: Query, shown: Picture) -> None:
    kind = query.subject.attr("type", "image")
    path = shown.preview_path if kind == "preview" else shown.path
    attrs: Attributes = {
        "id": shown.id,
        "type": kind,
        "url": f"https://{PICTURE_HOST}{path}",
        "direct_path": path,
    }
    query.answer(Node("picture", attrs))


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
