"""Tells Supabase how a session is, without ever making its worker wait.

Reports that are not stored yet melt into one: the last value of each column wins, and
it is sent until it is stored. Should the process die first, the next one reports anew.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from typing import Final

import structlog

from connector.domain.messages import Json
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.domain.session_commands import RecordEvent
from connector.errors import (
    InputRefused,
    LeaseLost,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import Clock, SessionReport, SessionStore
from connector.sessions.held_lease import HeldLease

MOST_EVENTS: Final = 50

log = structlog.get_logger()


class Reporter:
    def __init__(self, held: HeldLease, store: SessionStore, clock: Clock) -> None:
        self._held = held
        self._store = store
        self._clock = clock
        self._columns: dict[str, Json] = {}
        self._events: deque[RecordEvent] = deque(maxlen=MOST_EVENTS)
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def report(self, columns: Mapping[str, Json]) -> None:
        self._columns |= columns
        self._wake()

    def record(self, event: RecordEvent) -> None:
        self._events.append(event)
        self._wake()

    async def until_stored(self) -> None:
        await self._idle.wait()

    async def run(self) -> None:
        failures = 0
        while True:
            await self._work.wait()
            term = self._held.term
            renewal = self._held.next_renewal
            try:
                await self._send_all(term)
                failures = 0
            except (SupabaseUnavailable, SupabaseRefused):
                failures += 1
                await self._clock.sleep(_pause(failures))
            except LeaseLost:
                if term == self._held.term:
                    self._held.doubt(term)
                    await renewal.wait()

    def _wake(self) -> None:
        self._idle.clear()
        self._work.set()

    async def _send_all(self, term: int) -> None:
        while self._columns or self._events:
            if self._columns:
                await self._send_columns(term)
            if self._events:
                await self._send_event(term, self._events[0])
        self._work.clear()
        self._idle.set()

    async def _send_columns(self, term: int) -> None:
        sending, self._columns = self._columns, {}
        try:
            await self._store.report(
                self._held.session_id, term, SessionReport(columns=sending)
            )
        except InputRefused:
            log.exception("report refused", session_id=self._held.session_id)
        except BaseException:
            self._columns = sending | self._columns
            raise

    async def _send_event(self, term: int, event: RecordEvent) -> None:
        try:
            await self._store.record_event(
                self._held.session_id,
                term,
                level=event.level,
                code=event.situation.code,
                message=event.situation.message,
                details=event.details,
            )
        except InputRefused:
            log.exception("event refused", session_id=self._held.session_id)
        # Older ones may have been pushed out while this one was under way.
        if self._events and self._events[0] is event:
            self._events.popleft()


def _pause(failures: int) -> float:
    chance = random.random()  # noqa: S311 - jitter, not a secret
    return back_off(failures, chance, LONGEST_FOR_SUPABASE).total_seconds()
