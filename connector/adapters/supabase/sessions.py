"""What is written to `wa_sessions` and `wa_events` about a running session."""

from __future__ import annotations

from collections.abc import Mapping

from connector.adapters.supabase.client import SupabaseClient
from connector.domain.messages import Json
from connector.ports import SessionId, SessionReport


class SupabaseSessions:
    """Implements SessionStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def report(
        self, session_id: SessionId, term: int, report: SessionReport
    ) -> None:
        await self._client.call(
            "wa_report_session",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_report": dict(report.columns),
            },
        )

    async def record_event(
        self,
        session_id: SessionId,
        term: int,
        *,
        level: str,
        code: str,
        message: str,
        details: Mapping[str, Json],
    ) -> None:
        await self._client.call(
            "wa_record_event",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_level": level,
                "p_code": code,
                "p_message": message,
                "p_details": dict(details),
            },
        )
