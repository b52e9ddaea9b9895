"""What is said between Bob, his family and the owner, as the connector passes it on."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from tests.database.scene import Connection, Row

BOB = "1@lid"
BOBS_PHONE = "5521987654321@s.whatsapp.net"
CAROL = "3@lid"
CAROLS_PHONE = "5521912345678@s.whatsapp.net"
US = "9@lid"
FAMILY = "120363041234567890@g.us"
NOON = "2026-01-02T12:00:00Z"


def message(whatsapp_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "whatsapp_id": whatsapp_id,
        "chat_jid": BOB,
        "from_me": False,
        "sender_jid": BOB,
        "sender_name": "Bob",
        "kind": "text",
        "body": f"text {whatsapp_id}",
        "content": {},
        "quoted_whatsapp_id": None,
        "mentions": [],
        "sent_at": NOON,
        "status": "delivered",
        "source": "live",
    } | changes


def ours(whatsapp_id: str, **changes: Any) -> dict[str, Any]:
    typed = {"from_me": True, "sender_jid": US, "sender_name": None}
    return message(
        whatsapp_id, **(typed | {"status": "sent", "source": "phone"} | changes)
    )


def receipt(whatsapp_id: str, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "chat_jid": BOB,
        "whatsapp_id": whatsapp_id,
        "participant_jid": BOB,
        "status": status,
        "at": NOON,
    } | changes


def edit(whatsapp_id: str, edit_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "chat_jid": BOB,
        "whatsapp_id": whatsapp_id,
        "from_me": False,
        "sender_jid": BOB,
        "edit_id": edit_id,
        "body": f"edit {edit_id}",
        "content": {},
        "mentions": [],
        "edited_at": NOON,
    } | changes


def revoke(whatsapp_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "chat_jid": BOB,
        "whatsapp_id": whatsapp_id,
        "from_me": False,
        "author_jid": None,
        "revoked_by_jid": BOB,
        "by_admin": False,
        "revoked_at": NOON,
    } | changes


def reaction(whatsapp_id: str, emoji: str, **changes: Any) -> dict[str, Any]:
    return {
        "chat_jid": BOB,
        "whatsapp_id": whatsapp_id,
        "sender_jid": BOB,
        "from_me": False,
        "emoji": emoji,
        "reacted_at": NOON,
    } | changes


def vote(whatsapp_id: str, *options: str, **changes: Any) -> dict[str, Any]:
    return {
        "chat_jid": FAMILY,
        "whatsapp_id": whatsapp_id,
        "voter_jid": BOB,
        "from_me": False,
        "options": [sha256(option.encode()).hexdigest() for option in options],
        "voted_at": NOON,
    } | changes


def messages(*given: Row) -> dict[str, Any]:
    return {"messages": list(given)}


ALIAS = {"aliases": [{"lid": BOB, "phone": BOBS_PHONE}]}


async def column(connection: Connection, query: str) -> list[Any]:
    return [row[0] for row in await connection.fetch(query)]


async def id_of(connection: Connection, whatsapp_id: str) -> str:
    """Of the row of a message."""
    query = "select id from wa_messages where whatsapp_id = $1"
    return str(await connection.fetchval(query, whatsapp_id))
