"""What a worker said and nobody has taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from connector.ports import Signal, WorkerEvent

MOST_WAITING: Final = 1_000  # events; a connection makes a few a minute


class EventQueue:
    """Events in order; of several SPOOLED that wait, one. Bounded."""

    def __init__(self) -> None:
        self._waiting: deque[WorkerEvent] = deque()
        self._arrived = asyncio.Event()

    def put(self, event: WorkerEvent) -> bool:
        """False when it did not fit; the last event always does."""
        if event.signal is Signal.SPOOLED and event in self._waiting:
            return True
        if len(self._waiting) >= MOST_WAITING and event.signal is not Signal.EXITED:
            return False
        self._waiting.append(event)
        self._arrived.set()
        return True

    async def take(self) -> AsyncIterator[WorkerEvent]:
        """Yield events as they come; ends after EXITED, again at once if asked again."""
        while True:
            while self._waiting:
                event = self._waiting[0]
                if event.signal is not Signal.EXITED:
                    self._waiting.popleft()
                yield event
                if event.signal is Signal.EXITED:
                    return
            self._arrived.clear()
            await self._arrived.wait()
