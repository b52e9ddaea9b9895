"""What a session could not tell Supabase before it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.domain.outgoing import OutboxResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrecorded:
    """How a claimed row ended; about no other claim of the row does it say anything."""

    result: OutboxResult
    claim: int


class UnrecordedResults(Protocol):
    """Kept on this machine. Nothing depends on them: without, receipts settle it, or a person."""

    def read(self) -> Sequence[Unrecorded]:
        """What was written last; nothing when it cannot be read."""

    def write(self, results: Sequence[Unrecorded]) -> None:
        """Replace what was written. Raises nothing: a full disk must not stop a stop."""
