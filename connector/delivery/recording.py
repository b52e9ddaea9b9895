"""What came of rows, told to Postgres; what is to be sent next, asked of it.

Both in one call. While Postgres does not answer, results wait here; the answer to a claim
may be lost, too: then the rows it took are found again and given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from connector.delivery.attempts import Attempts
from connector.domain.outgoing import OutboxResult
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import ConnectorError, SupabaseRefused, SupabaseUnavailable
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


class Recording:
    """One session's. Everything raises LeaseLost."""

    def __init__(
        self,
        context: SessionContext,
        outbox: OutboxStore,
        attempts: Attempts,
        notes: UnrecordedResults,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._attempts = attempts
        self._notes = notes
        self._have_read_notes = False
        self._forget_notes = False
        self._clock = clock
        self._chance = chance
        self._waiting: list[OutboxResult] = []

    @property
    def waiting(self) -> Sequence[OutboxResult]:
        """Results that Postgres does not know of yet."""
        return tuple(self._waiting)

    def add(self, result: OutboxResult, claim: int) -> None:
        self._waiting.append(replace(result, claim=claim))

    async def settle_leftovers(self, in_hand: Collection[str] = ()) -> None:
        """Decide about rows that an earlier run, or a lost answer, left claimed."""
        self._take_up_notes()
        rows = await self._patiently(self._unsettled)
        known = {(result.id, result.claim) for result in self._waiting}
        for row in rows:
            if row.id not in in_hand and (row.id, row.claim) not in known:
                self.add(await self._attempts.settle(row), row.claim)

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
            self._notes.write(self._waiting)

    def _take_up_notes(self) -> None:
        """What an earlier run could not tell; Postgres knows what is out of date of it."""
        if not self._have_read_notes:
            self._have_read_notes = True
            noted = self._notes.read()
            self._forget_notes = bool(noted)
            self._waiting += noted

    async def _unsettled(self) -> Sequence[UnsettledRow]:
        context = self._context
        return await self._outbox.unsettled(context.session_id, context.term)

    async def _record(self, claim: int) -> Claim:
        told = tuple(self._waiting)
        claimed = await self._outbox.exchange(
            self._context.session_id,
            self._context.term,
            self._attempts.lineage,
            told,
            claim,
        )
        del self._waiting[: len(told)]
        if self._forget_notes:
            self._notes.write(())
            self._forget_notes = False
        return claimed

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
                delay = back_off(failures, self._chance(), LONGEST_FOR_SUPABASE)
                await self._clock.sleep(delay.total_seconds())
            if after_failure is not None:
                await after_failure()

    def _complain(self, error: ConnectorError, failures: int) -> None:
        """Once: a refusal lasts until a person has acted, and an outage is no fault of ours."""
        if failures == 1 and isinstance(error, SupabaseRefused):
            log.error(
                "outbox refused", session_id=self._context.session_id, error=error
            )
