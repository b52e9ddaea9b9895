"""Keeps the saved device state no more than two seconds behind the worker's store.

A companion saves while the session runs; the runner asks for the rest: to settle what this
machine runs from before a worker starts, to save once more when it has stopped, and to
forget. While Supabase is away the session goes on, and is saved when it is back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off, is_worth_saying
from connector.errors import (
    ConnectorError,
    LeaseLost,
    StateUnreadable,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import (
    Clock,
    DeviceStates,
    LocalState,
    SessionContext,
    SessionId,
)
from connector.sealed_state import StateSeal
from connector.sessions.deadlines import within
from connector.sessions.held_lease import HeldLease
from connector.sessions.kept_state import KeptState
from connector.sessions.state_saving import Saving

LOOK_SECONDS: Final = 0.5
GAP_SECONDS: Final = 1.0  # from one save to the next
# Looking at all of 50 MB takes 60 ms of a core: the longer it takes, the longer the gaps.
SHARE_OF_TIME: Final = 10
FORGET_WITHIN: Final = 5.0

_FAILURES: Final = (SupabaseUnavailable, SupabaseRefused, OSError, sqlite3.Error)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateKeeper:
    states: DeviceStates
    local: Callable[[SessionId], LocalState]
    seal: Callable[[SessionId], StateSeal]
    clock: Clock
    chance: Callable[[], float]
    _kept: dict[SessionId, KeptState] = field(default_factory=dict)

    # --- for the runner --------------------------------------------------------------

    def begin(self, session_id: SessionId) -> None:
        """A run begins: nothing is settled any more of what an earlier one knew."""
        self._kept[session_id] = KeptState(
            self.states, self.local(session_id), self.seal(session_id), self.clock
        )

    def end(self, session_id: SessionId) -> None:
        self._kept.pop(session_id, None)

    async def settle(self, held: HeldLease) -> None:
        """Try until it is settled what this machine runs from, or cannot be opened."""
        failures = 0
        while True:
            renewal = held.next_renewal
            try:
                await self.settle_once(held)
            except StateUnreadable as error:
                log.error("state unreadable", session_id=held.session_id, error=error)  # noqa: TRY400 - its sentence says all
                return  # each launch says so
            except LeaseLost:
                await renewal.wait()
            except _FAILURES as error:
                failures += 1
                await self._try_later(
                    "state unsettled", held.session_id, error, failures
                )
            else:
                return

    def is_unopened(self, session_id: SessionId) -> bool:
        return self._kept[session_id].is_unopened

    async def settle_once(self, held: HeldLease) -> None:
        """Raises as KeptState.bring() does; a no-op once it has succeeded."""
        kept = self._kept[held.session_id]
        if kept.is_settled:
            return
        try:
            await kept.bring(held.term)
        except LeaseLost:
            held.doubt(held.term)
            raise

    async def save_last(self, session_id: SessionId, term: int) -> None:
        """Save what the worker left; what cannot be, the next run here saves."""
        kept = self._kept[session_id]
        if not kept.is_settled:
            return
        failures = 0
        while True:
            try:
                await kept.save(term, Saving.AT_REST)
            except LeaseLost:
                return  # it is another connector's now
            except _FAILURES as error:
                failures += 1
                await self._try_later("state not saved", session_id, error, failures)
            else:
                return

    async def discard(self, session_id: SessionId, term: int) -> None:
        """Delete the keys here, and what is saved of them as soon as that is possible."""
        kept = self._kept[session_id]
        await kept.discard()
        try:
            await within(self.clock, FORGET_WITHIN, kept.forget(term))
        except (ConnectorError, OSError, TimeoutError) as error:
            # Noted: forgotten before anything is launched here again.
            log.warning("state not forgotten", session_id=session_id, error=error)
            kept.unsettle()

    # --- beside the session ----------------------------------------------------------

    async def run(self, context: SessionContext) -> None:
        kept = self._kept[context.session_id]
        saved: object = None
        failures = 0
        while True:
            await self.clock.sleep(LOOK_SECONDS)
            pulse = kept.local.pulse()
            if not kept.is_settled or pulse == saved:
                continue
            try:
                await kept.save(context.term, Saving.WHILE_RUNNING)
            except _FAILURES as error:
                failures += 1
                session_id = context.session_id
                await self._try_later("state unsaved", session_id, error, failures)
            else:
                saved, failures = pulse, 0
                await self.clock.sleep(
                    max(GAP_SECONDS, kept.copying_took * SHARE_OF_TIME)
                )

    async def _try_later(
        self, event: str, session_id: SessionId, error: Exception, failures: int
    ) -> None:
        if is_worth_saying(failures):
            log.warning(event, session_id=session_id, error=error, failures=failures)
        pause = back_off(failures, self.chance(), LONGEST_FOR_SUPABASE)
        await self.clock.sleep(max(pause.total_seconds(), LOOK_SECONDS))
