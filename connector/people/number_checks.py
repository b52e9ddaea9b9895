"""Answers which numbers are on WhatsApp, as apps ask it: fifty at a time, unhurried.

What is due is the rows' matter (`wa_next_number_checks`): each number is handed out once,
and again after a while when no answer was stored, so dying on any line costs a delay.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.look_ups import GAP
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off, is_worth_saying
from connector.errors import (
    ConnectorError,
    LookupRefused,
    NotConnected,
    SupabaseRefused,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.people.numbers import MOST_AT_ONCE, AskedNumbers
from connector.ports import NumberBell, SessionContext, Worker

LOOK_ANYWAY: Final = timedelta(minutes=1)
LOOK_ANYWAY_DEAF: Final = timedelta(seconds=5)
RECONNECT_PAUSE: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChecks:
    """Checks the numbers that apps queue; one `run` a session."""

    numbers: AskedNumbers
    bell: NumberBell

    async def run(self, context: SessionContext) -> None:
        await _Checking(self, context).go_on()


class _Checking:
    """One session's checks."""

    def __init__(self, checks: NumberChecks, context: SessionContext) -> None:
        self._numbers = checks.numbers
        self._bell = checks.bell
        self._clock = checks.numbers.clock
        self._context = context
        self._due: list[str] = []  # handed out, to be asked by us
        self._failures = 0

    async def go_on(self) -> None:
        while True:
            worker = await self._context.until_connected()
            try:
                asked = await self._ask_next(worker)
                self._failures = 0
            except (SupabaseUnavailable, SupabaseRefused) as error:
                await self._back_off(error)
            except (NotConnected, WorkerGone):
                await self._clock.sleep(RECONNECT_PAUSE)
            else:
                await self._rest(asked)

    async def _ask_next(self, worker: Worker) -> int:
        """Ask about what is due, if it may be; about how many numbers."""
        numbers, context = self._numbers, self._context
        await numbers.tell(context)
        if pause := numbers.paused_for(context):
            await self._clock.sleep(pause)
        if not self._due:
            self._due += await numbers.store.due_numbers(
                context.session_id, context.term, MOST_AT_ONCE
            )
        asked = len(self._due)
        if asked:
            # Refused, they are handed out again, not before the pause is over.
            with contextlib.suppress(LookupRefused):
                await numbers.ask(context, worker, self._due)
            self._due.clear()
        return asked

    async def _rest(self, asked: int) -> None:
        """About a second for each number asked about; else until there are some."""
        if asked:
            jitter = 0.5 + self._numbers.chance()
            await self._clock.sleep(GAP.total_seconds() * asked * jitter)
            return
        at_most = LOOK_ANYWAY if self._bell.healthy else LOOK_ANYWAY_DEAF
        await self._bell.wait_numbers(self._context.session_id, at_most.total_seconds())

    async def _back_off(self, error: ConnectorError) -> None:
        self._failures += 1
        if is_worth_saying(self._failures):
            log.warning(
                "numbers not checked",
                session_id=self._context.session_id,
                failures=self._failures,
                error=error,
            )
        chance = self._numbers.chance()
        delay = back_off(self._failures, chance, LONGEST_FOR_SUPABASE)
        await self._clock.sleep(max(delay.total_seconds(), 1.0))
