"""What to ask about people and groups, what came of it, and who does what right now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Literal

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows.reading import Row
from connector.domain.addresses import Jid
from connector.domain.chats import Aspect
from connector.domain.messages import Json
from connector.domain.presence import Presence
from connector.errors import InvalidAddress
from connector.ports import DueLookup, SessionId


class LookupRow(Row):
    """A row of `wa_next_lookups`."""

    aspect: Literal["group", "picture"]
    jid: str
    known_picture_id: str | None
    chat_id: str | None
    contact_id: str | None
    workspace_id: str

    def due(self) -> Iterator[DueLookup]:
        """Yield nothing when it belongs to nobody."""
        owner = self.contact_id or self.chat_id
        with contextlib.suppress(InvalidAddress):
            if owner is not None:
                yield DueLookup(
                    aspect=Aspect(self.aspect),
                    jid=Jid.parse(self.jid),
                    picture_id=self.known_picture_id,
                    owner_id=owner,
                    workspace_id=self.workspace_id,
                )


class SupabasePeople:
    """Implements PeopleStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def due(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[DueLookup]:
        rows = await self._client.call(
            "wa_next_lookups",
            {"p_session_id": session_id, "p_term": term, "p_limit": limit},
        )
        return [due for row in rows for due in LookupRow.read(row).due()]

    async def record_picture(
        self,
        session_id: SessionId,
        term: int,
        jid: Jid,
        *,
        picture_id: str | None,
        path: str | None,
    ) -> str | None:
        rows = await self._client.call(
            "wa_record_picture",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_jid": str(jid),
                "p_picture_id": picture_id,
                "p_path": path,
            },
        )
        before = rows[0].get("value") if rows else None
        return before if isinstance(before, str) else None

    async def show(
        self, session_id: SessionId, term: int, shown: Sequence[Presence]
    ) -> None:
        await self._client.call(
            "wa_show_presence",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_shown": [_shown(presence) for presence in shown],
            },
        )


def _shown(presence: Presence) -> Json:
    seen = presence.last_seen
    return {
        "chat_jid": str(presence.chat),
        "jid": str(presence.person),
        "state": presence.doing.value,
        "last_seen": None if seen is None else seen.isoformat(),
    }
