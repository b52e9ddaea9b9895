"""Time that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MOST_TURNS = 500


async def turns_until(condition: Callable[[], bool]) -> None:
    """Let every task that can go on do so, until `condition` holds."""
    for _ in range(MOST_TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


async def settle() -> None:
    """Let every task go on until all of them wait for time or for a test."""
    others = asyncio.get_running_loop()._ready  # type: ignore[attr-defined] # who can go on
    for _ in range(100):
        await asyncio.sleep(0)
        if not others:
            return


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class HurriedClock:
    """Always noon: waits for nothing, but lets others run."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class ManualClock:
    def __init__(self) -> None:
        self._start = NOON
        self._passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._passed + max(seconds, 0.0)
        heapq.heappush(self._sleepers, (due, next(self._order), awake))
        await awake

    async def advance(self, seconds: float) -> None:
        """Let time pass; every sleeper wakes at its own moment, in order."""
        await settle()
        end = self._passed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, awake = heapq.heappop(self._sleepers)
            if awake.done():
                continue
            self._passed = due
            awake.set_result(None)
            await settle()
        self._passed = end
        await settle()
