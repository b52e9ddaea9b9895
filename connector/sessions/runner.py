"""One session: feeds events to transition() and carries out what comes back.

Events are handled one after another, and so are commands: what a command does (launch,
stop, kill) is over before the next event is looked at. Each has a deadline, so a stuck
worker delays its own session only, and by seconds.

Killed at any line: the next run starts from `desired_state` and from what the worker's
store and spool hold; `wa_sessions` is reported anew and whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from connector.domain import session_commands as commands
from connector.domain import session_events as events
from connector.domain import situations
from connector.domain.lifecycle import transition
from connector.domain.messages import Json
from connector.domain.pairing import Pairing
from connector.domain.session import Moment, Phase, Session, Timer, Wish
from connector.domain.states import Situation, State
from connector.domain.steps import show
from connector.errors import ConnectorError, SealBroken, StateUnreadable
from connector.ports import Clock, Launcher, SessionStore, Signal, WorkerEvent
from connector.sessions.companions import (
    Companion,
    Ingesting,
    KeepingState,
    accompany,
)
from connector.sessions.context import RunningSession
from connector.sessions.deadlines import within
from connector.sessions.held_lease import HeldLease
from connector.sessions.login_gate import LoginGate
from connector.sessions.login_turn import LoginTurn
from connector.sessions.qr_image import png_data_uri
from connector.sessions.reporter import Reporter
from connector.sessions.running_worker import RunningWorker
from connector.sessions.state_watch import StateWatch
from connector.sessions.timers import Timers
from connector.sessions.wishes import wishes
from connector.sessions.worker_events import understood

MOST_WAITING_EVENTS: Final = 100
SETTLE_WITHIN: Final = 2.0  # delivery's message in flight, and what others hold
DRAIN_WITHIN: Final = 1.0  # the spool, and the last report
SAVE_WITHIN: Final = 2.0  # the number's keys, meanwhile
DRAIN_AT_REST_WITHIN: Final = 60.0
DRAIN_LOOK_SECONDS: Final = 0.02

log = structlog.get_logger()


class Ending(enum.Enum):
    """Why a runner is told to stop."""

    CONNECTOR_STOPS = enum.auto()
    HANDED_OVER = enum.auto()  # another connector is to go on with it
    LEASE_LOST = enum.auto()


# What is so until whoever goes on with the session says something.
_MEANWHILE: Final[Mapping[Ending, Situation]] = {
    Ending.CONNECTOR_STOPS: situations.CONNECTOR_STOPPED,
    Ending.HANDED_OVER: situations.HANDED_OVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every runner of this process works with."""

    launcher: Launcher
    sessions: SessionStore
    ingestion: Ingesting
    delivery: Companion
    states: KeepingState
    clock: Clock
    chance: Callable[[], float]  # a random number in [0, 1)
    further: Sequence[Companion] = ()  # they end when delivery does, and as quickly
    watch: StateWatch = field(default_factory=StateWatch)
    gate: LoginGate = field(default_factory=LoginGate)


class SessionRunner:
    def __init__(self, held: HeldLease, around: Surroundings) -> None:
        self._held = held
        self._around = around
        self._session = Session()
        self._context = RunningSession(held)
        self._reporter = Reporter(held, around.sessions, around.clock)
        self._events: asyncio.Queue[events.Event | WorkerEvent] = asyncio.Queue(
            MOST_WAITING_EVENTS
        )
        self._told_to_stop = asyncio.Event()
        self._ending: Ending | None = None

    def stop(self, ending: Ending) -> None:
        """Let run() end in order; the first reason counts."""
        self._ending = self._ending or ending
        self._told_to_stop.set()

    @property
    def is_online(self) -> bool:
        return self._context.worker() is not None

    async def until_told_to_stop(self) -> None:
        await self._told_to_stop.wait()

    @property
    def may_move(self) -> bool:
        """Whether it may go on elsewhere: not while it links, logs in or is stopping."""
        session = self._session
        settled = session.phase in (Phase.ONLINE, Phase.REST)
        syncing = session.situation.state is State.SYNCING
        return settled and not syncing and self._ending is None

    async def run(self) -> None:
        """Run the session until it is told to stop or nothing is left to do.

        Whatever happens, no worker outlives its runner.
        """
        async with asyncio.TaskGroup() as tasks:
            self._timers = Timers(self._around.clock, tasks, self._ring)
            self._worker = RunningWorker(
                self._held, self._around.launcher, self._around.clock, tasks, self._hear
            )
            self._turn = LoginTurn(
                self._around.gate,
                self._held,
                self._around.clock,
                tasks,
                self._events,
            )
            self._around.states.begin(self._held.session_id)
            try:
                await self._run_tasks(tasks)
            finally:
                self._turn.end()
                # Still there only when something failed, or took too long to stop.
                await self._end_worker()
                self._around.states.end(self._held.session_id)

    async def _run_tasks(self, tasks: asyncio.TaskGroup) -> None:
        around = self._around
        ingesting, *others = (
            tasks.create_task(
                accompany(companion, self._context, self._held, around.clock)
            )
            for companion in (
                *(around.ingestion, around.delivery, around.states),
                *around.further,
            )
        )
        reporting = tasks.create_task(self._reporter.run())
        wishing = tasks.create_task(self._hear_wishes())
        driving = tasks.create_task(self._drive())
        stopping = tasks.create_task(self._told_to_stop.wait())
        await asyncio.wait({driving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (driving, stopping, wishing):
            task.cancel()
        self._timers.cancel_all()
        self._turn.end()
        await asyncio.wait({driving})
        await self._wind_down(others)
        reporting.cancel()
        ingesting.cancel()

    async def _end_worker(self) -> None:
        if self._ending is None:
            await self._worker.stop()
        else:
            await self._worker.kill()

    # --- events ----------------------------------------------------------------------

    async def _hear(self, event: WorkerEvent) -> None:
        if event.signal is Signal.SPOOLED:
            self._context.spooled.set()
        else:
            await self._events.put(event)

    async def _ring(self, timer: Timer) -> None:
        await self._events.put(events.TimerFired(timer))

    async def _hear_wishes(self) -> None:
        # What is wished for depends on whether there are keys to do it with.
        await self._around.states.settle(self._held)
        async for wanted in wishes(
            self._held, self._around.launcher, self._around.states
        ):
            await self._events.put(wanted)

    async def _drive(self) -> None:
        while True:
            event = self._understand(await self._events.get())
            while event is not None:
                event = await self._handle(event)
            if self._has_nothing_to_do():
                return

    def _understand(self, event: events.Event | WorkerEvent) -> events.Event | None:
        if not isinstance(event, WorkerEvent):
            return event
        log.info("worker signal", session_id=self._held.session_id, signal=event.signal)
        if event.signal is Signal.EXITED:
            self._worker.exited()
        return understood(event, self._held)

    def _has_nothing_to_do(self) -> bool:
        session = self._session
        return (
            session.wish is not Wish.CONNECTED
            and session.phase is Phase.REST
            and session.retry_at is None
            and self._events.empty()
        )

    async def _handle(self, event: events.Event) -> events.Event | None:
        """Move on by one event; return what its last command led to, if anything."""
        before = self._session
        moment = Moment(self._around.clock.now(), self._around.chance())
        self._session, todo = transition(before, event, moment)
        self._show_companions()
        outcome = None
        for command in todo:
            outcome = await self._carry_out(command) or outcome
        self._show_companions()
        self._turn.follow(self._session)
        self._show_watch()
        self._log_change(before)
        return outcome

    def _show_watch(self) -> None:
        now, session_id = self._around.clock.monotonic(), self._held.session_id
        situation, record = self._session.situation, self._reporter.record
        in_queue = self._session.phase is Phase.WAITING
        # While WhatsApp is away nothing moves, and people should hear of it.
        queued = in_queue and not self._around.gate.ramp.whatsapp_is_away
        self._around.watch.shows(session_id, situation, now, record, queued=queued)

    def _show_companions(self) -> None:
        online = self._session.phase is Phase.ONLINE
        self._context.go(self._worker.current if online else None)

    def _log_change(self, before: Session) -> None:
        if self._session.situation.code != before.situation.code:
            log.info(
                "session state",
                session_id=self._held.session_id,
                state=self._session.situation.state,
                code=self._session.situation.code,
            )

    # --- commands --------------------------------------------------------------------

    async def _carry_out(self, command: commands.Command) -> events.Event | None:
        match command:
            case commands.Report(columns=columns):
                self._report(columns)
            case commands.RecordEvent():
                self._reporter.record(command)
            case commands.StartTimer(timer=timer, after=after):
                self._timers.start(timer, after)
            case commands.AwaitTurn(asked=asked):
                self._await_turn(asked=asked)
            case _:
                return await self._command_worker(command)
        return None

    async def _command_worker(
        self, command: commands.WorkerCommand
    ) -> events.Event | None:
        match command:
            case commands.LaunchWorker():
                return await self._launch()
            case commands.CheckWorker():
                answers = await self._worker.answers()
                return events.WorkerAnswered() if answers else events.WorkerSilent()
            case commands.Connect(pairing_phone=phone):
                await self._worker.connect(phone)
            case commands.StopWorker():
                await self._worker.stop()
            case commands.KillWorker():
                await self._worker.kill()
            case commands.DiscardStore():
                held = self._held
                await self._around.states.discard(held.session_id, held.term)
            case commands.LogOutAtWhatsApp():
                done = await self._worker.log_out()
                return events.LogOutDone() if done else events.LogOutFailed()
        return None

    def _await_turn(self, *, asked: bool) -> None:
        store = self._around.launcher.device_store(self._held.session_id)
        # Without keys it is a code that comes first, for somebody who waits for it.
        waited_for = asked
        with contextlib.suppress(OSError, sqlite3.Error):  # the launch will say so
            waited_for = asked or not store.is_paired()
        self._turn.ask(by_person=waited_for)

    async def _launch(self) -> events.Event | None:
        try:
            await self._around.states.settle_once(self._held)
            started = await self._worker.launch()
        except StateUnreadable:
            return events.StateUnreadable()
        except SealBroken:
            return events.KeyUnknown()
        except (ConnectorError, OSError, sqlite3.Error):
            log.exception("state unsettled", session_id=self._held.session_id)
            return events.LaunchFailed()
        return None if started else events.LaunchFailed()

    def _report(self, columns: Mapping[str, Json]) -> None:
        qr = columns.get("qr_code")
        image = png_data_uri(qr) if isinstance(qr, str) else None
        extra = {"qr_image": image} if "qr_code" in columns else {}
        self._reporter.report({**columns, **extra})

    # --- the end ---------------------------------------------------------------------

    async def _wind_down(self, companions: Sequence[asyncio.Task[None]]) -> None:
        self._context.go(None)
        for companion in companions:
            companion.cancel()
        await self._at_most(SETTLE_WITHIN, _ended(companions))
        await self._worker.stop()
        at_rest = self._ending is None
        patience = DRAIN_AT_REST_WITHIN if at_rest else DRAIN_WITHIN
        await asyncio.gather(
            self._at_most(patience, self._until_spool_is_empty()),
            self._save_state(DRAIN_AT_REST_WITHIN if at_rest else SAVE_WITHIN),
        )
        meanwhile = _MEANWHILE.get(self._ending) if self._ending else None
        if meanwhile is not None and self._is_interrupted():
            moment = Moment(self._around.clock.now(), 0.0)
            resting = replace(self._session, pairing=Pairing())
            _, report = show(resting, meanwhile, moment)
            self._report(report.columns)
        if self._ending is not Ending.LEASE_LOST:
            await self._at_most(patience, self._reporter.until_stored())

    async def _save_state(self, patience: float) -> None:
        if self._ending is not Ending.LEASE_LOST:
            held = self._held
            saving = self._around.states.save_last(held.session_id, held.term)
            await self._at_most(patience, saving)

    def _is_interrupted(self) -> bool:
        """Whether a successor will go on by itself, so that the row must say so."""
        session = self._session
        # Whoever is given what cannot be opened here may have its key.
        unopened = session.situation is situations.STATE_UNREADABLE
        return (
            session.phase is not Phase.REST
            or session.situation.state is State.RECONNECTING
            or (unopened and self._ending is Ending.HANDED_OVER)
        )

    async def _until_spool_is_empty(self) -> None:
        spool = self._around.launcher.spool(self._held.session_id)
        while await spool.depth():
            await self._around.clock.sleep(DRAIN_LOOK_SECONDS)

    async def _at_most(self, seconds: float, work: Coroutine[Any, Any, None]) -> None:
        try:
            await within(self._around.clock, seconds, work)
        except TimeoutError:
            log.warning("wind-down cut short", session_id=self._held.session_id)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks)
