"""What came of rows, told to Postgres; what is to be sent next, asked of it.

Both in one call. While Postgres does not answer, results wait here; the answer to a claim
may be lost, too: then the rows it took are found again and given back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from connector.delivery.attempts import Attempts
from connector.domain.outgoing import OutboxResult, Outcome, outcome_in_short
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import (
    ConnectorError,
    InputRefused,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import (
    Claim,
    Clock,
    OutboxStore,
    SessionContext,
    UnrecordedResults,
    UnsettledRow,
)

# What a planned stop waits for messages in flight, and again for the recording.
LAST_WORD: Final = timedelta(seconds=1)

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Recording:
    """One session's. Everything raises LeaseLost."""

    context: SessionContext
    outbox: OutboxStore
    attempts: Attempts
    notes: UnrecordedResults
    file_sent: Callable[[], None]
    clock: Clock
    chance: Callable[[], float]
    _waiting: list[OutboxResult] = field(default_factory=list)
    _files: set[str] = field(default_factory=set)  # rows that were sent with one
    _have_read_notes: bool = False
    _forget_notes: bool = False

    @property
    def waiting(self) -> Sequence[OutboxResult]:
        """Results that Postgres does not know of yet."""
        return tuple(self._waiting)

    def add(self, result: OutboxResult, claim: int, *, with_file: bool = False) -> None:
        self._waiting.append(replace(result, claim=claim))
        if with_file and result.outcome is Outcome.SENT:
            self._files.add(result.id)

    async def settle_leftovers(self, in_hand: Collection[str] = ()) -> None:
        """Decide about rows that an earlier run, or a lost answer, left claimed."""
        self._take_up_notes()
        rows = await self._patiently(self._unsettled)
        known = {(result.id, result.claim) for result in self._waiting}
        for row in rows:
            if row.id not in in_hand and (row.id, row.claim) not in known:
                self.add(await self.attempts.settle(row), row.claim)

    async def exchange(
        self, claim: int, in_hand: Callable[[], Collection[str]]
    ) -> Claim:
        """Record what waits and claim what is next, however long it takes."""
        return await self._patiently(
            lambda: self._record(claim), lambda: self.settle_leftovers(in_hand())
        )

    async def last_words(self) -> None:
        """Record what waits within a second, or note it down for the next run."""
        try:
            async with asyncio.timeout(LAST_WORD.total_seconds()):
                if self._waiting:
                    await self._record(0)
        except (ConnectorError, TimeoutError):
            self.notes.write(self._waiting)

    def _take_up_notes(self) -> None:
        """What an earlier run could not tell; Postgres knows what is out of date of it."""
        if not self._have_read_notes:
            self._have_read_notes = True
            noted = self.notes.read()
            self._forget_notes = bool(noted)
            self._waiting += noted

    async def _unsettled(self) -> Sequence[UnsettledRow]:
        context = self.context
        return await self.outbox.unsettled(context.session_id, context.term)

    async def _record(self, claim: int) -> Claim:
        told = tuple(self._waiting)
        try:
            claimed = await self._tell(told, claim)
        except InputRefused:
            if not told:
                raise
            await self._record_one_by_one()
            told, claimed = (), await self._tell((), claim)
        del self._waiting[: len(told)]
        self._have_told(told)
        return claimed

    async def _record_one_by_one(self) -> None:
        """One that Postgres can never store must not keep the others from it."""
        while self._waiting:
            result = self._waiting[0]
            try:
                await self._tell([result], 0)
            except InputRefused as error:
                log.error("result refused", outbox_id=result.id, error=error)  # noqa: TRY400 - no fault of this line
                with contextlib.suppress(InputRefused):
                    await self._tell([outcome_in_short(result)], 0)
            del self._waiting[0]
            self._have_told([result])

    async def _tell(self, results: Sequence[OutboxResult], claim: int) -> Claim:
        return await self.outbox.exchange(
            self.context.session_id,
            self.context.term,
            self.attempts.lineage,
            results,
            claim,
        )

    def _have_told(self, told: Sequence[OutboxResult]) -> None:
        if sent := self._files.intersection(result.id for result in told):
            self._files -= sent
            self.file_sent()
        if self._forget_notes:
            self.notes.write(())
            self._forget_notes = False

    async def _patiently(
        self,
        call: Callable[[], Awaitable[T]],
        after_failure: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        failures = 0
        while True:
            try:
                return await call()
            except (SupabaseUnavailable, SupabaseRefused) as error:
                failures += 1
                self._complain(error, failures)
                delay = back_off(failures, self.chance(), LONGEST_FOR_SUPABASE)
                await self.clock.sleep(delay.total_seconds())
            if after_failure is not None:
                await after_failure()

    def _complain(self, error: ConnectorError, failures: int) -> None:
        """Once: a refusal lasts until a person has acted, and an outage is no fault of ours."""
        if failures == 1 and isinstance(error, SupabaseRefused):
            log.error("outbox refused", session_id=self.context.session_id, error=error)
