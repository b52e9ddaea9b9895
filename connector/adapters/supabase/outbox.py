"""The outbox: results in and new claims out, in one round trip (docs/outbox.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from connector.adapters.supabase import rows
from connector.adapters.supabase.client import SupabaseClient
from connector.domain.outgoing import OutboxResult
from connector.ports import ClaimedRow, SessionId, UnsettledRow

# neonize gives up on a send after 75 s; nobody may think a claim abandoned before.
CLAIM_LEASE: Final = timedelta(seconds=90)


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
    ) -> Sequence[ClaimedRow]:
        claimed = await self._client.call(
            "wa_exchange_outbox",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_lineage": lineage,
                "p_results": [rows.result(outcome) for outcome in results],
                "p_limit": claim,
                "p_lease": f"{CLAIM_LEASE.total_seconds()} seconds",
            },
        )
        return [rows.OutboxRow.read(row).claimed() for row in claimed]

    async def unsettled(
        self, session_id: SessionId, term: int
    ) -> Sequence[UnsettledRow]:
        left = await self._client.call(
            "wa_unsettled_outbox", {"p_session_id": session_id, "p_term": term}
        )
        return [rows.UnsettledOutboxRow.read(row).unsettled() for row in left]
