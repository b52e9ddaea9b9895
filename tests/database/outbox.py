"""Rows to send, and what the connector says of them, in the words of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.database.scene import Connection, Row, Session

BOB = "1@lid"


async def queue(
    connection: Connection, session: Session, *texts: str, **columns: Any
) -> list[str]:
    """Insert texts for Bob in one statement; returns their ids, in order."""
    extra = "".join(f", {name}" for name in columns)
    values = "".join(f", ${n}" for n in range(3, 3 + len(columns)))
    rows = await connection.fetch(
        # Column names are this file's own.
        f"""insert into wa_outbox (session_id, "to", payload{extra})
        select $1, '{BOB}', jsonb_build_object('text', text){values}
        from unnest($2::text[]) with ordinality as given (text, place) order by place
        returning id""",  # noqa: S608
        session.id,
        list(texts),
        *columns.values(),
    )
    return [str(row["id"]) for row in rows]


async def queue_kind(
    connection: Connection,
    session: Session,
    kind: str,
    payload: Row,
    *,
    to: str | None = BOB,
) -> str:
    """Insert one row of any kind; returns its id."""
    return str(
        await connection.fetchval(
            """insert into wa_outbox (session_id, "to", kind, payload)
            values ($1, $2, $3, $4) returning id""",
            session.id,
            to,
            kind,
            dict(payload),
        )
    )


async def refused(
    connection: Connection,
    session: Session,
    kind: str,
    to: str | None = None,
    **payload: Any,
) -> tuple[Any, str]:
    """The code and the sentence with which such a row is refused."""
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await queue_kind(connection, session, kind, payload, to=to)
    return refusal.value.detail, str(refusal.value).splitlines()[0]


async def pending(connection: Connection) -> asyncpg.Record:
    """The only message that waits to be sent."""
    query = "select * from wa_messages where status = 'pending'"
    (row,) = await connection.fetch(query)
    return row


def sent(row_id: str, whatsapp_id: str = "3EB0") -> Row:
    return {
        "id": row_id,
        "outcome": "sent",
        "whatsapp_id": whatsapp_id,
        "sent_at": "2026-01-02T12:00:00Z",
    }


def read(whatsapp_id: str, status: str = "read") -> Row:
    return {
        "chats": [{"jid": BOB, "kind": "direct"}],
        "receipts": [
            {
                "chat_jid": BOB,
                "whatsapp_id": whatsapp_id,
                "participant_jid": BOB,
                "status": status,
                "at": "2026-01-02T12:00:05Z",
            }
        ],
    }


def ids(rows: Sequence[Row] | Sequence[asyncpg.Record]) -> list[str]:
    return [str(row["id"]) for row in rows]


async def states(connection: Connection) -> list[str]:
    rows = await connection.fetch("select state from wa_outbox order by seq")
    return [row["state"] for row in rows]


async def message_statuses(connection: Connection) -> list[str]:
    rows = await connection.fetch("select status from wa_messages order by seq")
    return [row["status"] for row in rows]
