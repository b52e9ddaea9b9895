"""What is told of chats and people besides what they say, as the connector passes it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.database.conversation import BOB, FAMILY
from tests.database.scene import Connection, Row, Session, store

ANA = "2@lid"
US = "9@lid"


def at(second: int) -> str:
    return f"2026-01-02T12:00:{second:02}Z"


def member(jid: str, role: str | None, second: int) -> dict[str, Any]:
    return {"chat_jid": FAMILY, "jid": jid, "role": role, "as_of": at(second)}


def roster(second: int, **roles: str) -> dict[str, Any]:
    """`roster(3, ana="admin")`: at 12:00:03 Ana was in the family's group, and nobody else."""
    people = {"ana": ANA, "bob": BOB, "us": US}
    return {
        "chat_jid": FAMILY,
        "as_of": at(second),
        "members": [{"jid": people[who], "role": role} for who, role in roles.items()],
    }


def update(
    second: int, *, jid: str = FAMILY, from_history: bool = False, **columns: Any
) -> dict[str, Any]:
    return {
        "jid": jid,
        "as_of": at(second),
        "from_history": from_history,
        "columns": columns,
    }


def stale(jid: str, aspect: str, as_of: str) -> dict[str, Any]:
    return {"jid": jid, "aspect": aspect, "as_of": as_of}


async def tell(
    connection: Connection, session: Session, **lists: Sequence[Row]
) -> None:
    """Store a batch of these lists alone."""
    await store(connection, session, lists)


async def members(connection: Connection) -> dict[str, str]:
    """Who is in which role, of those who are in a group."""
    rows = await connection.fetch(
        "select contact.jid, member.role from wa_group_members as member"
        " inner join wa_contacts as contact on contact.id = member.contact_id"
    )
    return {row["jid"]: row["role"] for row in rows}


async def chat(connection: Connection, jid: str = FAMILY) -> Row:
    row = await connection.fetchrow("select * from wa_chats where jid = $1", jid)
    assert row is not None
    return dict(row)
