"""The timers a transition asked for; each rings at most once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from connector.domain.session import Timer
from connector.ports import Clock


class Timers:
    def __init__(
        self,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        ring: Callable[[Timer], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._tasks = tasks
        self._ring = ring
        self._running: dict[Timer, asyncio.Task[None]] = {}

    def start(self, timer: Timer, after: timedelta) -> None:
        """Start a timer, anew when it is running."""
        if running := self._running.get(timer):
            running.cancel()
        waiting = self._wait(timer, after.total_seconds())
        self._running[timer] = self._tasks.create_task(waiting)

    def cancel_all(self) -> None:
        for running in self._running.values():
            running.cancel()

    async def _wait(self, timer: Timer, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._ring(timer)
