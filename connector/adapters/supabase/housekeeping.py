"""Housekeeping's calls: what is thrown away is decided in Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.adapters.supabase.client import Row, SupabaseClient
from connector.domain.messages import Json
from connector.errors import SupabaseRefused
from connector.ports import SessionId
from connector.ports.housekeeping import KnownSessions, OrphanedFiles, Tidied


class SupabaseHousekeeping:
    """Implements HousekeepingStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def tidy(self, limit: int) -> Tidied:
        answer = await self._ask("wa_housekeeping", {"p_limit": limit})
        return Tidied(done=dict(answer["done"]), more=answer["more"] is True)

    async def orphaned_files(self, limit: int) -> OrphanedFiles:
        answer = await self._ask("wa_orphaned_files", {"p_limit": limit})
        return OrphanedFiles(
            paths=tuple(map(str, answer["paths"])), more=answer["more"] is True
        )

    async def known_sessions(self, session_ids: Sequence[SessionId]) -> KnownSessions:
        answer = await self._ask("wa_known_sessions", {"p_ids": list(session_ids)})
        project, known = answer.get("project"), answer.get("known")
        # What is not said is not taken for "none": folders are deleted by it.
        if not isinstance(project, str) or not isinstance(known, list):
            raise SupabaseRefused("Supabase does not say which sessions there are.")
        return KnownSessions(project=project, known=frozenset(map(SessionId, known)))

    async def _ask(self, function: str, arguments: Mapping[str, Json]) -> Row:
        rows = await self._client.call(function, arguments)
        if len(rows) != 1:
            raise SupabaseRefused(f"Supabase did not answer {function} with one row.")
        return rows[0]
