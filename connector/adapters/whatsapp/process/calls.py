"""What the supervisor has asked of a worker, and who waits for which answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from connector.adapters.whatsapp.process.frames import AsyncChannel, Frame
from connector.errors import WorkerGone


class Calls:
    """Numbers the questions; answers may come in any order."""

    def __init__(self, channel: AsyncChannel) -> None:
        self._channel = channel
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0
        self._ended = False

    async def ask(self, header: Mapping[str, Any], body: bytes = b"") -> Frame:
        """Ask, and wait for the answer however long it takes. Raises WorkerGone."""
        if self._ended:
            raise WorkerGone
        self._last += 1
        number = self._last
        answered: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        try:
            await self._channel.send(Frame({**header, "id": number}, body))
            return await answered
        except OSError as error:
            raise WorkerGone from error
        finally:
            del self._waiting[number]

    def take(self, number: int, answer: Frame) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def end(self) -> None:
        """Nobody is left to answer."""
        self._ended = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(WorkerGone())
                waiting.exception()  # heard of, even if its asker is still writing


class Turns:
    """Several wait for one that serves them in order: each has its time once it is first."""

    def __init__(self) -> None:
        self._line: deque[asyncio.Timeout] = deque()

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError."""
        async with asyncio.timeout(None) as turn:
            self._line.append(turn)
            self._serve_first(seconds)
            try:
                yield
            finally:
                self._line.remove(turn)
                self._serve_first(seconds)

    def _serve_first(self, seconds: float) -> None:
        if self._line and self._line[0].when() is None:
            now = asyncio.get_running_loop().time()
            self._line[0].reschedule(now + seconds)
