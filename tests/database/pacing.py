"""A session with limits, people it writes to, and time that passes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.database.conversation import message
from tests.database.outbox import queue_kind
from tests.database.scene import Connection, Row, Session, ask_outbox, store

NO_LIMITS: Row = {
    "send_gap_seconds": None,
    "send_per_minute": None,
    "send_per_day": None,
    "send_new_per_day": None,
}
MINUTE = 60.0
DAY = 86_400.0

# All that is measured by the database's clock, moved back together: as if time had passed.
PASS = """
with moved as (
  update wa_private.sends set at = at - make_interval(secs => $1)
),
queued as (
  update wa_outbox set
    send_after = send_after - make_interval(secs => $1),
    retry_at = retry_at - make_interval(secs => $1),
    expires_at = expires_at - make_interval(secs => $1),
    settle_by = settle_by - make_interval(secs => $1)
)
update wa_sessions set
  linked_at = linked_at - make_interval(secs => $1),
  next_send_at = next_send_at - make_interval(secs => $1),
  paused_until = paused_until - make_interval(secs => $1),
  new_chats_paused_until = new_chats_paused_until - make_interval(secs => $1)
"""


@dataclass
class Pacing:
    """What one connector claims of one session, and what it says of it."""

    connection: Connection
    session: Session
    term: int = 1
    look_again: float | None = None
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    async def limits(self, **limits: Any) -> None:
        """Set these, and no others."""
        columns = ", ".join(f"{name} = ${n}" for n, name in enumerate(NO_LIMITS, 2))
        await self.connection.execute(
            # Column names are this file's own.
            f"update wa_sessions set {columns} where id = $1",  # noqa: S608
            self.session.id,
            *{**NO_LIMITS, **limits}.values(),
        )

    async def time_passes(self, seconds: float) -> None:
        await self.connection.execute(PASS, seconds)

    async def writes(self, *people: str, **columns: Any) -> list[str]:
        """Queue one text for each; returns the rows' ids."""
        found = []
        for person in people:
            row = await queue_kind(
                self.connection, self.session, "text", {"text": "oi"}, to=person
            )
            found.append(row)
        for column, value in columns.items():
            await self.connection.execute(
                # Column names are the tests' own.
                f"update wa_outbox set {column} = $1 where id = any($2)",  # noqa: S608
                value,
                found,
            )
        return found

    async def hears(self, person: str) -> None:
        """Somebody writes to us."""
        name = f"IN{next(self._ids)}"
        said = message(name, chat_jid=person, sender_jid=person)
        batch = {"chats": [{"jid": person, "kind": "direct"}], "messages": [said]}
        await store(self.connection, self.session, batch)

    async def claims(self, *results: Row, limit: int = 16) -> list[str]:
        """The ids of the rows that may go now, after recording `results`."""
        answer = await ask_outbox(
            self.connection, self.session, *results, term=self.term, limit=limit
        )
        self.look_again = answer["look_again_in_seconds"]
        return [row["id"] for row in answer["rows"]]

    async def sends(self, count: int = 1) -> list[str]:
        """Send so many as fast as the limits let us; returns the rows' ids."""
        gone: list[str] = []
        while len(gone) < count and (rows := await self.claims()):
            await self.claims(*(went(row) for row in rows), limit=0)
            gone += rows
        return gone

    async def ledger(self) -> list[Mapping[str, Any]]:
        rows = await self.connection.fetch(
            "select *, now() - at as ago from wa_private.sends order by at"
        )
        return [dict(row) for row in rows]

    async def row(self) -> Row:
        """The session's row, and what time it is."""
        found = await self.connection.fetchrow(
            "select *, xmin::text as version, now() as now from wa_sessions where id = $1",
            self.session.id,
        )
        assert found is not None
        return dict(found)


def went(row_id: str, **changes: Any) -> Row:
    said = {"id": row_id, "outcome": "sent", "whatsapp_id": f"3EB0{row_id}"}
    return {**said, **changes}


def given_back(row_id: str) -> Row:
    return {"id": row_id, "outcome": "released"}


def refused_for_now(row_id: str, seconds: float, code: str = "server_error") -> Row:
    return {
        "id": row_id,
        "outcome": "retry",
        "code": code,
        "message": "WhatsApp's server failed.",
        "retry_after_seconds": seconds,
    }


def paused(row_id: str, scope: str, seconds: float, code: str = "throttled") -> Row:
    return {
        "id": row_id,
        "outcome": "paused",
        "code": code,
        "message": "WhatsApp asks to slow down.",
        "pause": {"scope": scope, "seconds": seconds},
    }
