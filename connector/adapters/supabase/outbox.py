"""The outbox: results in and new claims out, in one round trip (docs/outbox.md)."""

from __future__ import annotations

from collections.abc import Sequence

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient
from connector.domain.outgoing import OutboxResult
from connector.ports import Claim, SessionId, UnsettledRow


class SupabaseOutbox:
    """Implements OutboxStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        lineage: str,
        results: Sequence[OutboxResult],
        claim: int,
    ) -> Claim:
        [answer] = await self._client.call(
            "wa_exchange_outbox",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_lineage": lineage,
                "p_results": [rows.result(outcome) for outcome in results],
                "p_limit": claim,
            },
        )
        return rows.OutboxClaim.read(answer).claim()

    async def unsettled(
        self, session_id: SessionId, term: int
    ) -> Sequence[UnsettledRow]:
        left = await self._client.call(
            "wa_unsettled_outbox", {"p_session_id": session_id, "p_term": term}
        )
        return [rows.UnsettledOutboxRow.read(row).unsettled() for row in left]
