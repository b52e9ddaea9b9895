"""Rows of `wa_outbox`: what is claimed, what is in doubt, what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.writing import Record, timestamp
from connector.domain.outgoing import OutboxResult
from connector.ports import Claim, ClaimedRow, UnsettledRow


class OutboxRow(Row):
    """A row that `wa_exchange_outbox` gives."""

    id: str
    to: str
    chat_id: str | None
    chat_jid: str | None
    kind: str
    payload: Any
    attempts: int
    claims: int
    on_whatsapp: bool | None

    def claimed(self) -> ClaimedRow:
        return ClaimedRow(
            id=self.id,
            to=self.to,
            chat_id=self.chat_id,
            chat_jid=self.chat_jid,
            kind=self.kind,
            payload=self.payload,
            attempts=self.attempts,
            claim=self.claims,
            on_whatsapp=self.on_whatsapp,
        )


class OutboxClaim(Row):
    """The answer of `wa_exchange_outbox`."""

    rows: list[OutboxRow]
    look_again_in_seconds: float | None

    def claim(self) -> Claim:
        seconds = self.look_again_in_seconds
        return Claim(
            rows=[row.claimed() for row in self.rows],
            look_again=None if seconds is None else timedelta(seconds=seconds),
        )


class UnsettledOutboxRow(Row):
    """A row of `wa_unsettled_outbox`."""

    id: str
    claims: int
    claim_lineage: str
    claim_term: int

    def unsettled(self) -> UnsettledRow:
        return UnsettledRow(
            id=self.id,
            claim=self.claims,
            lineage=self.claim_lineage,
            term=self.claim_term,
        )


def result(outcome: OutboxResult) -> Record:
    """One element of `p_results` for `wa_exchange_outbox`."""
    return {
        "id": outcome.id,
        "outcome": outcome.outcome.value,
        "whatsapp_id": outcome.whatsapp_id,
        "sent_at": None if outcome.sent_at is None else timestamp(outcome.sent_at),
        "code": outcome.code,
        "message": outcome.message,
        "retry_after_seconds": (
            None if outcome.retry_after is None else outcome.retry_after.total_seconds()
        ),
    }
