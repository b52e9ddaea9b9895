"""When to look into the outbox again: at the doorbell, at the poll, when Postgres said so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from connector.ports import Clock, SessionId, Wakeups


class Waking:
    """One session's; calls `wake` whenever it is time to look."""

    def __init__(
        self,
        session_id: SessionId,
        wakeups: Wakeups,
        clock: Clock,
        *,
        poll: timedelta,
        poll_blind: timedelta,
        wake: Callable[[], None],
    ) -> None:
        self._session_id = session_id
        self._wakeups = wakeups
        self._clock = clock
        self._poll = poll
        self._poll_blind = poll_blind
        self._wake = wake
        self._bell: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None

    def listen(self) -> None:
        """From now on; the first ring comes at once, for nobody listened before."""
        if self._bell is None:
            self._bell = asyncio.create_task(self._listen())

    def again_after(self, wait: timedelta | None) -> None:
        """Wake then, too; instead of at any time that was said before."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if wait is None else asyncio.create_task(self._ring_in(wait))

    def stop(self) -> None:
        for task in (self._bell, self._alarm):
            if task is not None:
                task.cancel()
        self._bell = self._alarm = None

    async def _listen(self) -> None:
        while True:
            poll = self._poll if self._wakeups.healthy else self._poll_blind
            await self._wakeups.wait_outbox(self._session_id, poll.total_seconds())
            self._wake()

    async def _ring_in(self, wait: timedelta) -> None:
        await self._clock.sleep(wait.total_seconds())
        self._wake()
