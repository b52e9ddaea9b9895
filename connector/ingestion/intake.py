"""From a session's spool to Postgres: read, store, trim; at least once, in order.

    killed after storing, before trimming: stored again, which is storing once
    Supabase away:                         the spool grows on disk, nothing is dropped
    Supabase refuses a batch:              halved until the one bad event is alone, which
                                           goes to the spool's dead letters; the rest go on
    Supabase refuses everything:           as if it were away: no event is to blame
    the spool cannot be read:              looked at again, ever more slowly

A batch is whatever the spool holds when the previous one is stored: one message alone
goes at once, a burst goes in big bites, and no timer is needed. Only after a batch of
nothing but ticks the lane rests a moment: while a number sends, each tick would cost a
round trip of its own, which slows the sending down.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.incoming import Incoming
from connector.domain.messages import OwnRead, Receipt
from connector.domain.retry import (
    LONGEST_FOR_SUPABASE,
    back_off,
    is_worth_saying,
)
from connector.errors import (
    ConnectorError,
    InputRefused,
    SpoolUnavailable,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ingestion.history_watch import STALLED_AFTER, HistoryWatch
from connector.ingestion.notices import Notices
from connector.ports import (
    Clock,
    Intake,
    Lane,
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
    # Told of each batch that is stored, and of what was set aside, by its reason.
    stored: Callable[[SpooledBatch], None] = lambda _: None
    set_aside: Callable[[str, int], None] = lambda _, __: None

    async def run(self, context: SessionContext) -> None:
        emptying = _Emptying(self, context.session_id)
        watch = emptying.history
        while True:
            context.spooled.clear()
            await emptying.until_empty(context)
            await emptying.notices.tell(context.term)
            watch.logged_in(context.logins)
            if watch.is_due() and await self._history_stalled(context):
                watch.over()
            await _rung(context.spooled)

    async def drain(self, session_id: SessionId) -> None:
        """Store what a session left behind, whoever runs it now."""
        emptying = _Emptying(self, session_id)
        await emptying.until_empty(None)
        await emptying.notices.tell(emptying.term, at_last=True)

    async def _history_stalled(self, context: SessionContext) -> bool:
        try:
            return await self.intake.end_stalled_history(
                context.session_id, context.term, STALLED_AFTER
            )
        except (SupabaseUnavailable, SupabaseRefused):
            return False  # asked again in a minute


class _Emptying:
    """One session's spool on its way to Postgres."""

    def __init__(self, ingestion: Ingestion, session_id: SessionId) -> None:
        self._ingestion = ingestion
        self._intake = ingestion.intake
        self._clock = ingestion.clock
        self._session_id = session_id
        self._spool: Spool = ingestion.launcher.spool(session_id)
        self._limits = dict.fromkeys(Lane, LARGEST_BATCH)
        self._failures = 0
        self.notices = Notices(session_id, ingestion.sessions, ingestion.clock)
        self.history = HistoryWatch(ingestion.clock)
        self.term = 0  # of the last batch

    async def until_empty(self, context: SessionContext | None) -> None:
        """Store until nothing waits; without a context the session does not run."""
        while (batch := await self._read(context)) is not None:
            self.term = batch.term
            try:
                await self._store(batch)
            except InputRefused as refusal:
                await self._narrow_down(batch, refusal)
            except (SupabaseUnavailable, SupabaseRefused) as error:
                await self._wait(error, batch.lane)
            # Events may be told under the current term only, whenever they came in.
            await self.notices.tell(self.term if context is None else context.term)

    async def _read(self, context: SessionContext | None) -> SpooledBatch | None:
        failures = 0
        while True:
            if context is not None:
                self._spool.follow(context.session)
            try:
                return await self._spool.read(self._limits)
            except SpoolUnavailable as error:
                failures += 1
                await self._pause(failures, error)

    async def _store(self, batch: SpooledBatch) -> None:
        limit = self._limits[batch.lane]
        if len(batch.incoming) < limit:
            await self._intake.store(self._session_id, batch.term, batch.incoming)
        else:
            await self._store_reading_ahead(batch, limit)
        await self._spool.trim(batch)
        self._limits[batch.lane] = min(limit * 2, LARGEST_BATCH)
        self._failures = 0
        self.history.stored(batch)
        self._ingestion.stored(batch)
        self._set_aside("unreadable", batch.rejected)
        if batch.incoming and all(_is_tick(item) for item in batch.incoming):
            await self._clock.sleep(REST_AFTER_TICKS.total_seconds())

    async def _store_reading_ahead(self, batch: SpooledBatch, limit: int) -> None:
        """Decode the next batch while Postgres is busy with this one."""
        ahead = asyncio.create_task(self._spool.read_ahead(batch.lane, limit))
        try:
            await self._intake.store(self._session_id, batch.term, batch.incoming)
        finally:
            await asyncio.wait({ahead})
        ahead.result()

    async def _wait(self, error: ConnectorError, lane: Lane) -> None:
        self._failures += 1
        if self._failures > 1:
            # What is too much for one transaction's time looks like an outage, too.
            self._limits[lane] = max(1, self._limits[lane] // 2)
        await self._pause(self._failures, error)

    async def _pause(self, failures: int, error: ConnectorError) -> None:
        delay = back_off(failures, random.random(), LONGEST_FOR_SUPABASE)  # noqa: S311 - jitter
        if is_worth_saying(failures):
            log.warning(
                "storing waits",
                session_id=self._session_id,
                failures=failures,
                seconds=round(delay.total_seconds(), 1),
                error=error,
            )
        await self._clock.sleep(delay.total_seconds())

    async def _narrow_down(self, batch: SpooledBatch, refusal: InputRefused) -> None:
        limit = self._limits[batch.lane]
        if limit > 1:
            # Of what was there, not of what might have been: one event alone is found
            # out at once, however many of them somebody sends.
            self._limits[batch.lane] = max(1, min(limit, len(batch.incoming)) // 2)
            return
        await self._spool.reject(batch, str(refusal))
        self._set_aside("refused", 1)
        self._set_aside("unreadable", batch.rejected)

    def _set_aside(self, reason: str, count: int) -> None:
        self.notices.add(reason, count)
        self._ingestion.set_aside(reason, count)


def _is_tick(item: Incoming) -> bool:
    return isinstance(item, Receipt | OwnRead)


async def _rung(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_ANYWAY.total_seconds()):
            await bell.wait()
    except TimeoutError:
        return
