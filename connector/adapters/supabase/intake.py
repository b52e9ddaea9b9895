"""Everything inbound, stored by one idempotent RPC a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient
from connector.domain.incoming import Incoming
from connector.ports import SessionId


class SupabaseIntake:
    """Implements Intake."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def store(
        self, session_id: SessionId, term: int, incoming: Sequence[Incoming]
    ) -> None:
        if not incoming:
            return
        await self._client.call(
            "wa_store_batch",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_batch": rows.batch(incoming),
            },
        )

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        answer = await self._client.call(
            "wa_end_stalled_history",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_after": f"{after.total_seconds()} seconds",
            },
        )
        return any(row.get("value") is True for row in answer)
