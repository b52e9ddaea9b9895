"""From a session's spool to Postgres: read, store, trim; at least once, in order.

    killed after storing, before trimming: stored again, which is storing once
    Supabase away:                         the spool grows on disk, nothing is dropped
    Supabase refuses a batch:              halved until the one bad event is alone, which
                                           goes to the spool's dead letters; the rest go on
    Supabase refuses everything:           as if it were away: no event is to blame

A batch is whatever the spool holds when the previous one is stored: one message alone
goes at once, a burst goes in big bites, and no timer is needed. Only after a batch of
nothing but ticks the lane rests a moment: while a number sends, each tick would cost a
round trip of its own, which slows the sending down.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.messages import Receipt
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import (
    ConnectorError,
    InputRefused,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import (
    Clock,
    Intake,
    Launcher,
    SessionContext,
    SessionId,
    SessionStore,
    Spool,
    SpooledBatch,
)

LARGEST_BATCH: Final = 500
# The worker rings when it has spooled; this only bounds what a lost ring costs.
LOOK_ANYWAY: Final = timedelta(seconds=5)
REST_AFTER_TICKS: Final = timedelta(milliseconds=30)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Stores what the sessions' spools hold; one `run` a session."""

    launcher: Launcher
    intake: Intake
    sessions: SessionStore
    clock: Clock

    async def run(self, context: SessionContext) -> None:
        lane = _Lane(self, context.session_id, context)
        while True:
            context.spooled.clear()
            await lane.drain()
            await _rung(context.spooled)

    async def drain(self, session_id: SessionId) -> None:
        """Store what a session left behind, whoever runs it now."""
        await _Lane(self, session_id).drain()


class _Lane:
    def __init__(
        self,
        ingestion: Ingestion,
        session_id: SessionId,
        context: SessionContext | None = None,
    ) -> None:
        self._ingestion = ingestion
        self._session_id = session_id
        self._context = context  # None: the session does not run
        self._spool: Spool = ingestion.launcher.spool(session_id)
        self._limit = LARGEST_BATCH
        self._failures = 0

    async def drain(self) -> None:
        while (batch := await self._spool.read(self._limit)) is not None:
            try:
                await self._store(batch)
            except InputRefused as refusal:
                await self._narrow_down(batch, refusal)
            except (SupabaseUnavailable, SupabaseRefused) as error:
                await self._wait(error)

    async def _store(self, batch: SpooledBatch) -> None:
        await self._ingestion.intake.store(self._session_id, batch.term, batch.incoming)
        await self._spool.trim(batch.up_to)
        if all(isinstance(item, Receipt) for item in batch.incoming):
            await self._ingestion.clock.sleep(REST_AFTER_TICKS.total_seconds())
        self._limit = min(self._limit * 2, LARGEST_BATCH)
        self._failures = 0
        if batch.rejected:
            await self._tell_dead_letters(batch.term, batch.rejected, "unreadable")

    async def _wait(self, error: ConnectorError) -> None:
        self._failures += 1
        if self._failures > 1:
            # What is too much for one transaction's time looks like an outage, too.
            self._limit = max(1, self._limit // 2)
        delay = back_off(self._failures, random.random(), LONGEST_FOR_SUPABASE)  # noqa: S311 - jitter
        log.warning(
            "storing waits for supabase",
            session_id=self._session_id,
            failures=self._failures,
            seconds=round(delay.total_seconds(), 1),
            error=error,
        )
        await self._ingestion.clock.sleep(delay.total_seconds())

    async def _narrow_down(self, batch: SpooledBatch, refusal: InputRefused) -> None:
        if self._limit > 1:
            self._limit = max(1, self._limit // 2)
            return
        await self._spool.reject(batch.up_to, str(refusal))
        await self._tell_dead_letters(batch.term, 1, "refused")

    async def _tell_dead_letters(self, term: int, count: int, reason: str) -> None:
        log.error(
            "events set aside",
            session_id=self._session_id,
            count=count,
            reason=reason,
        )
        # Events may be told under the current term only, whenever they were received.
        term = term if self._context is None else self._context.term
        try:
            await self._ingestion.sessions.record_event(
                self._session_id,
                term,
                level="error",
                code=f"event_{reason}",
                message=f"{count} received event(s) could not be stored and were set aside.",
                details={"count": count},
            )
        except ConnectorError:
            # The dead letters themselves are the lasting record.
            log.warning("event not recorded", session_id=self._session_id)


async def _rung(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_ANYWAY.total_seconds()):
            await bell.wait()
    except TimeoutError:
        return
