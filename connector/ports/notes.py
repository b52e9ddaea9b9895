"""What a session could not tell Supabase before it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connector.domain.outgoing import OutboxResult


class UnrecordedResults(Protocol):
    """Kept on this machine. Nothing depends on them: without, receipts settle it, or a person."""

    def read(self) -> Sequence[OutboxResult]:
        """What was written last; nothing when it cannot be read."""

    def write(self, results: Sequence[OutboxResult]) -> None:
        """Replace what was written. Raises nothing: a full disk must not stop a stop."""
