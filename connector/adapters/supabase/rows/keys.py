"""What an operator's commands are told of sessions and their keys."""

from __future__ import annotations

from connector.adapters.supabase.rows.reading import Row
from connector.ports import SessionId
from connector.ports.keys import Borrowed, StateKeys


class BorrowedRow(Row):
    term: int | None
    desired_state: str
    state: str

    def borrowed(self) -> Borrowed:
        return Borrowed(
            term=self.term, desired_state=self.desired_state, state=self.state
        )


class StateKeysRow(Row):
    session_id: str
    state_keys: list[str]
    claim_keys: list[str]
    is_held: bool

    def keys(self) -> StateKeys:
        return StateKeys(
            session_id=SessionId(self.session_id),
            state_keys=tuple(self.state_keys),
            claim_keys=tuple(self.claim_keys),
            is_held=self.is_held,
        )
