"""Wakes who waits for something to do, by broadcasts of the database; never relied on.

The database broadcasts `outbox_queued`, `numbers_queued` and `session_changed` with a
`session_id` to the private topic `wa:connectors`. Whatever may have been missed rings too: when a connection
becomes ready, everyone looks once; when it is lost, everyone looks again at once and
from then on polls at the pace for the deaf.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping
from typing import Any, Final

import structlog

from connector.adapters.supabase.doorbell import BellSilent, Doorbell, Patience
from connector.domain.retry import back_off
from connector.ports import SessionId

OUTBOX_QUEUED: Final = "outbox_queued"
NUMBERS_QUEUED: Final = "numbers_queued"
SESSION_CHANGED: Final = "session_changed"
DEFAULT_PATIENCE: Final = Patience()

log = structlog.get_logger()


class SupabaseWakeups:
    """One waiter for sessions, and one per session for each kind of work."""

    def __init__(
        self, url: str, key: str, patience: Patience = DEFAULT_PATIENCE
    ) -> None:
        self._url = url
        self._key = key
        self._patience = patience
        self._healthy = False
        self._sessions = asyncio.Event()
        self._bells: dict[tuple[str, SessionId], asyncio.Event] = {}

    @property
    def healthy(self) -> bool:
        """False while broadcasts may be missed: poll more often."""
        return self._healthy

    async def wait_sessions(self, at_most: float) -> None:
        await _rung(self._sessions, at_most)

    async def wait_outbox(self, session_id: SessionId, at_most: float) -> None:
        await self._wait((OUTBOX_QUEUED, session_id), at_most)

    async def wait_numbers(self, session_id: SessionId, at_most: float) -> None:
        await self._wait((NUMBERS_QUEUED, session_id), at_most)

    async def _wait(self, work: tuple[str, SessionId], at_most: float) -> None:
        """The first wait for a session returns at once: nobody listened before it."""
        if work not in self._bells:
            self._bells[work] = _set_event()
        try:
            await _rung(self._bells[work], at_most)
        except asyncio.CancelledError:
            self._bells.pop(work, None)  # its runner has ended
            raise

    async def run(self) -> None:
        """Keep the doorbell connected; ends only by cancellation."""
        failures = 0
        while True:
            reason = await self._listen()
            failures = 1 if self._healthy else failures + 1
            if self._healthy or failures == 1:
                log.warning("doorbell silent, polling instead", reason=reason)
            self._healthy = False
            self._ring_all()
            await asyncio.sleep(self._pause(failures))

    async def _listen(self) -> str:
        """One connection, from its beginning to its end; returns why it ended."""
        try:
            bell = Doorbell(
                self._url,
                self._key,
                on_ring=self._ring,
                on_ready=self._ready,
                patience=self._patience,
            )
            await bell.listen()
        except BellSilent as silent:
            return str(silent)
        except Exception as error:  # supervised: no failure of a library ends the bell
            log.exception("doorbell failed")
            return type(error).__name__
        return "ended"

    def _pause(self, failures: int) -> float:
        """At least half of the ceiling, so that a refusing server is left in peace."""
        ceiling = back_off(failures, 1.0).total_seconds()
        return min(ceiling, self._patience.longest_pause) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def _ready(self) -> None:
        if not self._healthy:
            log.info("doorbell ready")
        self._healthy = True
        self._ring_all()

    def _ring(self, event: str, payload: Mapping[str, Any]) -> None:
        """Unknown events and payloads are ignored: other versions may be about."""
        session_id = payload.get("session_id")
        if event == SESSION_CHANGED:
            self._sessions.set()
        elif isinstance(session_id, str) and (
            bell := self._bells.get((event, SessionId(session_id)))
        ):
            bell.set()

    def _ring_all(self) -> None:
        self._sessions.set()
        for bell in self._bells.values():
            bell.set()


async def _rung(bell: asyncio.Event, at_most: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most):
            await bell.wait()
    bell.clear()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event
