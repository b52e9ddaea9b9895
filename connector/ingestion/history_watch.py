"""Notices that a phone has stopped sending history before it was done.

Only Postgres knows what ran before this process did, or was linked and never sent any.
So it is asked for a while after a start, each login and each piece, then left alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connector.domain.incoming import furthest
from connector.ports import Clock, Lane, SpooledBatch

STALLED_AFTER: Final = timedelta(minutes=10)
BETWEEN_QUESTIONS: Final = timedelta(minutes=1)


class HistoryWatch:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ask_at = 0.0
        self._ask_until = 0.0
        self._logins = 0
        self._goes_on()

    def logged_in(self, logins: int) -> None:
        """Learn how often the number has logged in so far."""
        if logins != self._logins:
            self._logins = logins
            self._goes_on()

    def stored(self, batch: SpooledBatch) -> None:
        if batch.lane is not Lane.HISTORY:
            return
        progress = furthest(batch.incoming)
        if progress and progress.done:
            self.over()
        else:
            self._goes_on()

    def is_due(self) -> bool:
        """Whether to ask now; at most once a minute."""
        now = self._clock.monotonic()
        if not self._ask_at <= now < self._ask_until:
            return False
        self._ask_at = now + BETWEEN_QUESTIONS.total_seconds()
        return True

    def over(self) -> None:
        self._ask_until = 0.0

    def _goes_on(self) -> None:
        now = self._clock.monotonic()
        self._ask_at = now + BETWEEN_QUESTIONS.total_seconds()
        patience = STALLED_AFTER + 2 * BETWEEN_QUESTIONS
        self._ask_until = now + patience.total_seconds()
