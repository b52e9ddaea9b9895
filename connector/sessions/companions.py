"""Ingestion and delivery, kept running beside a session whatever happens to them."""

from __future__ import annotations

from typing import Final, Protocol

import structlog

from connector.domain.retry import back_off
from connector.errors import LeaseLost
from connector.ports import Clock, SessionContext, SessionId
from connector.sessions.held_lease import HeldLease

LONG_ENOUGH_SECONDS: Final = 60.0  # what ran this long has earned a fresh start

log = structlog.get_logger()


class Companion(Protocol):
    """Works for one session until it is cancelled; see ports.SessionContext."""

    async def run(self, context: SessionContext) -> None: ...


class Ingesting(Companion, Protocol):
    """Ingestion, which can also empty the spool of a session that does not run."""

    async def drain(self, session_id: SessionId) -> None: ...


class KeepingState(Companion, Protocol):
    """The saving of the number's keys, which also has a say before and after a worker."""

    def begin(self, session_id: SessionId) -> None:
        """A run begins; everything else comes after this, and before end()."""

    def end(self, session_id: SessionId) -> None: ...

    async def settle(self, held: HeldLease) -> None:
        """Until it is settled what this machine runs from, or cannot be opened."""

    def is_unopened(self, session_id: SessionId) -> bool:
        """Whether keys are saved that could not be opened when last looked at."""

    async def settle_once(self, held: HeldLease) -> None:
        """Try once, unless it is settled.

        Raises StateUnreadable, ConnectorError, OSError, sqlite3.Error.
        """

    async def save_last(self, session_id: SessionId, term: int) -> None:
        """Until what the worker left is saved; only when it has stopped."""

    async def discard(self, session_id: SessionId, term: int) -> None:
        """Delete the keys, here and where they are saved. Raises BlockingIOError."""


async def accompany(
    companion: Companion, context: SessionContext, held: HeldLease, clock: Clock
) -> None:
    """Run a companion; one that fails starts again, without touching the connection."""
    failures = 0
    refused_term: int | None = None
    while True:
        term, renewal = held.term, held.next_renewal
        began = clock.monotonic()
        try:
            await companion.run(context)
        except LeaseLost:
            if term == held.term:
                held.doubt(term)
                await renewal.wait()
            if term != refused_term:
                refused_term = term
                continue
            # The keeper says that the term is ours all the same: do not ask in circles.
            log.warning("term refused again", session_id=held.session_id, term=term)
        except Exception:
            log.exception(
                "companion failed",
                session_id=held.session_id,
                reason=type(companion).__name__,
            )
        failures = (
            1 if clock.monotonic() - began > LONG_ENOUGH_SECONDS else failures + 1
        )
        await clock.sleep(max(back_off(failures, 0.5).total_seconds(), 1.0))
