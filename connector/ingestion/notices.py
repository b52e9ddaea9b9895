"""Tells a session's members that something was set aside: rarely, and with a count.

Whoever floods a number with what nobody can read must not flood `wa_events` as well.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

import structlog

from connector.errors import ConnectorError
from connector.ports import Clock, SessionId, SessionStore

BETWEEN_NOTICES: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class Notices:
    def __init__(
        self, session_id: SessionId, sessions: SessionStore, clock: Clock
    ) -> None:
        self._session_id = session_id
        self._sessions = sessions
        self._clock = clock
        self._untold: Counter[str] = Counter()  # by what is wrong with it
        self._next = clock.monotonic()

    def add(self, reason: str, count: int) -> None:
        if count:
            self._untold[reason] += count
            log.error(
                "events set aside",
                session_id=self._session_id,
                count=count,
                reason=reason,
            )

    async def tell(self, term: int, *, at_last: bool = False) -> None:
        """Tell what has come together, unless something was told a moment ago.

        The dead letters themselves are the lasting record: what cannot be told now may
        be told later, and what cannot be told `at_last` is left at that.
        """
        while self._untold and (at_last or self._clock.monotonic() >= self._next):
            self._next = self._clock.monotonic() + BETWEEN_NOTICES.total_seconds()
            reason, count = next(iter(self._untold.items()))
            try:
                await self._record(term, reason, count)
            except ConnectorError:
                log.warning("event not recorded", session_id=self._session_id)
                return
            del self._untold[reason]

    async def _record(self, term: int, reason: str, count: int) -> None:
        await self._sessions.record_event(
            self._session_id,
            term,
            level="error",
            code=f"event_{reason}",
            message=_sentence(count),
            details={"count": count},
        )


def _sentence(count: int) -> str:
    what = "One received event" if count == 1 else f"{count} received events"
    return f"{what} could not be stored: set aside, see `zapbase spool list`."
