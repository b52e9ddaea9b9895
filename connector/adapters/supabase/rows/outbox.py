"""Rows of `wa_outbox`: what is claimed, what is in doubt, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.references import ReferencesRow
from connector.adapters.supabase.rows.uploads import UploadRow
from connector.adapters.supabase.rows.writing import Record, timestamp
from connector.domain.outgoing import OutboxResult, Pause
from connector.errors import InvalidAddress, SupabaseRefused
from connector.ports import Claim, ClaimedRow, UnsettledRow

_DAY: Final = 86_400.0


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
    expiration_seconds: int | None
    references: ReferencesRow
    upload: UploadRow | None

    def claimed(self) -> ClaimedRow:
        """Raises InvalidAddress."""
        seconds = self.expiration_seconds
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
            expiration=timedelta(seconds=seconds) if seconds else None,
            references=self.references.references(),
            file=None if self.upload is None else self.upload.file(),
        )


class UnreadableRow(Row):
    """What must be there of any row, so that it can be failed alone."""

    id: str
    attempts: int
    claims: int
    chat_id: str | None = None

    def claimed(self) -> ClaimedRow:
        return ClaimedRow(
            id=self.id,
            to="",
            chat_id=self.chat_id,
            chat_jid=None,
            kind="",
            payload=None,
            attempts=self.attempts,
            claim=self.claims,
            readable=False,
        )


class OutboxClaim(Row):
    """The answer of `wa_exchange_outbox`."""

    rows: list[Mapping[str, Any]]
    look_again_in_seconds: float | None

    def claim(self) -> Claim:
        seconds = self.look_again_in_seconds
        return Claim(
            rows=[_claimed(row) for row in self.rows],
            # Whatever is said, a day on it is looked at anyway.
            look_again=(
                None if seconds is None else timedelta(seconds=min(seconds, _DAY))
            ),
        )


def _claimed(row: Mapping[str, Any]) -> ClaimedRow:
    try:
        return OutboxRow.read(row).claimed()
    except (SupabaseRefused, InvalidAddress):
        return UnreadableRow.read(row).claimed()


class UnsettledOutboxRow(Row):
    """A row of `wa_unsettled_outbox`."""

    id: str
    claims: int
    claim_lineage: str
    claim_term: int
    witness_id: str | None = None
    witness_claims: int | None = None

    def unsettled(self) -> UnsettledRow:
        witness = (
            None
            if self.witness_id is None or self.witness_claims is None
            else (self.witness_id, self.witness_claims)
        )
        return UnsettledRow(
            witness=witness,
            id=self.id,
            claim=self.claims,
            lineage=self.claim_lineage,
            term=self.claim_term,
        )


def result(outcome: OutboxResult) -> Record:
    """One element of `p_results` for `wa_exchange_outbox`."""
    return {
        "id": outcome.id,
        "claims": outcome.claim,
        "outcome": outcome.outcome.value,
        "whatsapp_id": outcome.whatsapp_id,
        "sent_at": None if outcome.sent_at is None else timestamp(outcome.sent_at),
        "code": outcome.code,
        "message": outcome.message,
        "retry_after_seconds": _seconds(outcome.retry_after),
        "pause": None if outcome.pause is None else _pause(outcome.pause),
    }


def _pause(pause: Pause) -> Record:
    return {"scope": pause.scope.value, "seconds": _seconds(pause.lasting)}


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
