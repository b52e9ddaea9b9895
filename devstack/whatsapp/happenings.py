"""Waiting for something to become true in the emulated world, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Waiting: TypeAlias = Coroutine[Any, Any, T]

# Seconds that a story waits unless it says otherwise: only what never comes takes them.
PATIENCE = 30.0


@dataclass(eq=False, slots=True)
class _Watch:
    look: Callable[[], object]
    found: asyncio.Future[Any]


class Happenings:
    """Whoever changes the world calls `note`; whoever waits looks again."""

    def __init__(self) -> None:
        self._watches: set[_Watch] = set()

    def note(self) -> None:
        """Something changed: let everyone who waits look again."""
        for watch in tuple(self._watches):
            seen = watch.look()
            if seen is not None and not watch.found.done():
                watch.found.set_result(seen)

    async def first(
        self, look: Callable[[], T | None], what: str, within: float = PATIENCE
    ) -> T:
        """The first value other than None that `look` returns.

        Raises TimeoutError saying `what` was awaited, after `within` seconds.
        """
        seen = look()
        if seen is not None:
            return seen
        found: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        watch = _Watch(look, found)
        self._watches.add(watch)
        try:
            async with asyncio.timeout(within):
                return await found
        except TimeoutError:
            raise TimeoutError(f"waited {within:g} s for {what}") from None
        finally:
            self._watches.discard(watch)

    async def until(
        self, condition: Callable[[], bool], what: str, within: float = PATIENCE
    ) -> None:
        """Return once `condition` holds. Raises TimeoutError like `first`."""
        await self.first(lambda: condition() or None, what, within)
