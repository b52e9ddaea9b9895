"""One connection to WhatsApp, as the rows that go through it see it.

Rows are blamed for the end of a worker only if they were inside it: whoever still waits
looks here first, and is given back unbegun.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from connector.errors import NotConnected, WorkerGone
from connector.ports import Worker

T = TypeVar("T")


@dataclass(slots=True)
class Line:
    worker: Worker
    lost: bool = False  # what has not been begun goes back
    _broken: bool = False  # nothing more is asked

    async def ask(self, call: Callable[[Worker], Awaitable[T]]) -> T:
        """Call the worker. Raises NotConnected, WorkerGone, and what the call raises."""
        try:
            return await self.ask_apart(call)
        except (NotConnected, WorkerGone):
            self.lost = True
            raise

    async def ask_apart(self, call: Callable[[Worker], Awaitable[T]]) -> T:
        """The same for what goes on by itself: who waits for it says that we are lost."""
        if self.lost or self._broken:
            raise NotConnected
        try:
            return await call(self.worker)
        except (NotConnected, WorkerGone):
            self._broken = True
            raise
