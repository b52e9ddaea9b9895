"""Rows about sessions: what a lease brings along."""

from __future__ import annotations

from typing import Literal

from connector.adapters.supabase.rows.reading import Row
from connector.ports import DesiredState, SessionId, SessionRow


class LeaseRow(Row):
    """A row of `wa_renew_leases`, and of what `wa_claim_sessions` took."""

    session_id: str
    term: int
    desired_state: Literal["connected", "disconnected", "logged_out"]
    desired_revision: int
    pairing_phone: str | None
    history_days: int
    ignore_status: bool
    ignore_newsletters: bool
    ignore_calls: bool
    appear_online: bool
    yields: bool = False
    other_held_ago: float | None = None

    def session(self) -> SessionRow:
        return SessionRow(
            session_id=SessionId(self.session_id),
            desired_state=DesiredState(self.desired_state),
            desired_revision=self.desired_revision,
            pairing_phone=self.pairing_phone,
            history_days=self.history_days,
            ignore_status=self.ignore_status,
            ignore_newsletters=self.ignore_newsletters,
            ignore_calls=self.ignore_calls,
            appear_online=self.appear_online,
        )


class ClaimAnswer(Row):
    """The answer of `wa_claim_sessions`."""

    leases: list[LeaseRow]
    look_again: float | None  # seconds
    left_to_others: int
