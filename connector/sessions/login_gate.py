"""Whose turn it is to log in, among all sessions of this connector.

A turn lasts from before the launch to the first thing that WhatsApp says. Whoever a person
waits for comes first, then whoever has waited longest. Nobody keeps a turn: it ends with
the task that has it, and TURN_WITHIN after its session heard of it, whatever that does.

When WhatsApp answers nobody, few try, with pauses; the first answer is told to all that
back off, so that an hour's outage is not followed by five minutes of waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from connector.domain.login_ramp import Ramp, TurnOutcome, ramp_for

TURN_WITHIN: Final = 60.0  # longer than a launch and the wait for an answer together

_Place = asyncio.Future[None]


@dataclass(slots=True)
class LoginGate:
    """Of one event loop; everything waits in memory, one place for each session."""

    ramp: Ramp = field(default_factory=lambda: ramp_for(1))
    under_way: int = 0
    _asked: deque[_Place] = field(default_factory=deque)
    _others: deque[_Place] = field(default_factory=deque)
    _backing_off: set[Callable[[], None]] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        return len(self._asked) + len(self._others)

    @asynccontextmanager
    async def turn(self, *, asked_by_person: bool) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends; say `ended` before."""
        await self._come_in(self._asked if asked_by_person else self._others)
        try:
            yield
        finally:
            self._leave()

    def ended(self, outcome: TurnOutcome) -> timedelta:
        """Take note of how a login ended; for how long its place should stay empty."""
        was_away = self.ramp.whatsapp_is_away
        self.ramp = self.ramp.after(outcome)
        if was_away and not self.ramp.whatsapp_is_away:
            for is_back in tuple(self._backing_off):
                is_back()
        return self.ramp.pause

    def tell(self, is_back: Callable[[], None]) -> None:
        """Call `is_back` whenever WhatsApp answers somebody after it answered nobody."""
        self._backing_off.add(is_back)

    def tell_no_more(self, is_back: Callable[[], None]) -> None:
        self._backing_off.discard(is_back)

    async def _come_in(self, queue: deque[_Place]) -> None:
        place: _Place = asyncio.get_running_loop().create_future()
        queue.append(place)
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place in queue:
                queue.remove(place)
            else:
                self._leave()  # let in at the very moment
            raise

    def _leave(self) -> None:
        self.under_way -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self.waiting and self.under_way < self.ramp.at_once:
            place = (self._asked or self._others).popleft()
            self.under_way += 1
            if not place.done():
                place.set_result(None)
