"""How often WhatsApp told a session to wait lately: each time it waits for longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from connector.domain.outgoing.results import PauseScope

# Twice the longest pause: whoever is refused right after one has learned nothing.
FORGOTTEN_AFTER: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Pauses:
    """In memory only: after a restart the first refusal pauses for the shortest time."""

    _told: Mapping[PauseScope, tuple[int, float]] = field(default_factory=dict)

    def counts(self, now: float) -> Mapping[PauseScope, int]:
        """How often, by monotonic time in seconds."""
        longest = FORGOTTEN_AFTER.total_seconds()
        return {
            scope: count
            for scope, (count, at) in self._told.items()
            if now - at < longest
        }

    def and_one(self, scope: PauseScope, now: float) -> Pauses:
        count = self.counts(now).get(scope, 0)
        return replace(self, _told={**self._told, scope: (count + 1, now)})
