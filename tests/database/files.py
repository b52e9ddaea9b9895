"""Files of messages as the connector passes them on, and what it says became of them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import asyncpg

from tests.database.conversation import message
from tests.database.scene import Connection, Row, Session, store

KEY = base64.b64encode(bytes(32)).decode()
LARGEST = 1000


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def attachment(content: str, **changes: Any) -> dict[str, Any]:
    return {
        "media_type": "image",
        "direct_path": f"/v/{content}",
        "media_key": KEY,
        "file_sha256": sha256(content),
        "file_enc_sha256": sha256(f"sealed {content}"),
        "size_bytes": 100,
        "mime_type": "image/claimed",
        "file_name": "a/../b.jpg",
        "width": 3,
        "height": 2,
        "duration_seconds": None,
    } | changes


def picture(
    whatsapp_id: str, *, content: str | None = None, second: int = 0, **changes: Any
) -> dict[str, Any]:
    """A message with a file; those with the same content are equal files."""
    return message(
        whatsapp_id,
        kind="image",
        sent_at=f"2026-01-02T12:00:{second:02}Z",
        attachment=attachment(content or whatsapp_id, **changes),
    )


async def receive(connection: Connection, session: Session, *given: Row) -> None:
    await store(connection, session, {"messages": list(given)})


async def claim_media(
    connection: Connection, session: Session, *, term: int = 1, limit: int = 10
) -> list[asyncpg.Record]:
    return await connection.fetch(
        "select * from wa_claim_media($1, $2, $3, interval '5 min', $4)",
        session.id,
        term,
        limit,
        LARGEST,
    )


async def finish_media(
    connection: Connection, session: Session, *results: Row, term: int = 1
) -> Any:
    """How many rows changed."""
    return await connection.fetchval(
        "select wa_finish_media($1, $2, $3)", session.id, term, list(results)
    )


def stored(claimed: asyncpg.Record, content: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(claimed["id"]),
        "state": "stored",
        "storage_path": f"w/s/2026/01/{content}.jpg",
        "mime_type": "image/jpeg",
        "size_bytes": 99,
        "sha256": sha256(content),
    } | changes


async def files(connection: Connection) -> dict[str, Row]:
    """Attachments by WhatsApp's id of their message."""
    rows = await connection.fetch(
        "select message.whatsapp_id, file.* from wa_attachments as file"
        " inner join wa_messages as message on message.id = file.message_id"
    )
    return {row["whatsapp_id"]: dict(row) for row in rows}


async def states(connection: Connection) -> dict[str, str]:
    return {name: row["state"] for name, row in (await files(connection)).items()}
