"""What is said between Bob, his family and the owner, as the connector passes it on."""

from __future__ import annotations

from typing import Any

from tests.database.scene import Connection, Row

BOB = "1@lid"
BOBS_PHONE = "5521987654321@s.whatsapp.net"
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
    typed = {"from_me": True, "sender_jid": "9@lid", "sender_name": None}
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


def messages(*given: Row) -> dict[str, Any]:
    return {"messages": list(given)}


ALIAS = {"aliases": [{"lid": BOB, "phone": BOBS_PHONE}]}


async def column(connection: Connection, query: str) -> list[Any]:
    return [row[0] for row in await connection.fetch(query)]
