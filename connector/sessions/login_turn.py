"""One session's turn at the login gate: asked for, had, given back; never two at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

import structlog

from connector.domain.login_ramp import TurnOutcome
from connector.domain.session import Phase, Session
from connector.domain.session_events import Event, TurnCame, WhatsAppBack
from connector.domain.states import State
from connector.ports import Clock, WorkerEvent
from connector.sessions.deadlines import within
from connector.sessions.held_lease import HeldLease
from connector.sessions.login_gate import TURN_WITHIN, LoginGate

_HAVING_A_TURN: Final = (Phase.WAITING, Phase.STARTING)

log = structlog.get_logger()


class LoginTurn:
    def __init__(
        self,
        gate: LoginGate,
        held: HeldLease,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        events: asyncio.Queue[Event | WorkerEvent],
    ) -> None:
        """`events` takes TurnCame and WhatsAppBack."""
        self._gate = gate
        self._held = held
        self._clock = clock
        self._tasks = tasks
        self._events = events
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Task[None] | None = None
        self._over: asyncio.Future[TurnOutcome] | None = None
        self._let_in = False
        gate.tell(self._is_back)

    def ask(self, *, by_person: bool) -> None:
        """Wait for a turn, anew when one is waited for already."""
        self.give_back()
        self._over = asyncio.get_running_loop().create_future()
        self._waiting = self._run(self._have(self._over, by_person=by_person))

    def follow(self, session: Session) -> None:
        """Give the turn back as soon as WhatsApp has said something, or nobody asks."""
        if session.phase in _HAVING_A_TURN or self._over is None:
            return
        if not self._let_in:
            self.give_back()
            return
        if not self._over.done():  # the turn may have been too long
            self._over.set_result(_outcome(session))
        self._over = self._waiting = None

    def give_back(self) -> None:
        """Wait for no turn any more, and have none."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._over = self._waiting = None
        self._let_in = False

    def end(self) -> None:
        """The session runs here no more."""
        self._gate.tell_no_more(self._is_back)
        for task in self._running:
            task.cancel()

    async def _have(
        self, over: asyncio.Future[TurnOutcome], *, by_person: bool
    ) -> None:
        # Nothing may be launched before, and others can use the time.
        await self._held.until_trusted()
        async with self._gate.turn(asked_by_person=by_person):
            self._let_in = True
            # Whoever waits hears of it, however long that takes: nothing else wakes it.
            await self._events.put(TurnCame())
            try:
                outcome = await within(self._clock, TURN_WITHIN, over)
            except TimeoutError:
                log.warning("turn over, no answer", session_id=self._held.session_id)
                return
            if pause := self._gate.ended(outcome):
                await self._clock.sleep(pause.total_seconds())

    def _is_back(self) -> None:
        # Called in another session's turn, which nothing here may disturb.
        with suppress(asyncio.QueueFull):
            self._events.put_nowait(WhatsAppBack())

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _outcome(session: Session) -> TurnOutcome:
    if session.phase in (Phase.PAIRING, Phase.ONLINE):
        return TurnOutcome.ANSWERED
    if session.situation.state is State.RECONNECTING:
        return TurnOutcome.FAILED
    return TurnOutcome.NEITHER
