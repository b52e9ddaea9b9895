"""A supervisor or a runner with everything around it faked, as a test's scene."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from connector.ports import SessionContext, SessionId
from connector.sessions.held_lease import HeldLease
from connector.sessions.runner import Ending, SessionRunner, Surroundings
from connector.sessions.supervisor import Pace, Supervisor
from tests.fakes.clock import ManualClock, settle, turns_until
from tests.fakes.supabase import FakeDoorbell, MemoryLeases, MemorySessions, wanted
from tests.fakes.workers import FakeLauncher, FakeWorker

PACE = Pace(renew=10.0, poll=15.0, poll_blind=2.0)


@dataclass
class FakeCompanion:
    """Waits beside its session; fails when it is told to."""

    contexts: list[SessionContext] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    cancelled: int = 0
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.settled.set()

    async def run(self, context: SessionContext) -> None:
        self.contexts.append(context)
        if self.failures:
            raise self.failures.pop(0)
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled += 1
            await self.settled.wait()


@dataclass
class FakeIngestion(FakeCompanion):
    """Also empties left spools, once `drained` lets it."""

    draining: list[SessionId] = field(default_factory=list)
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    broken: list[Exception] = field(default_factory=list)

    async def drain(self, session_id: SessionId) -> None:
        self.draining.append(session_id)
        if self.broken:
            raise self.broken.pop()
        await self.drained.wait()


@dataclass
class FakeStates(FakeCompanion):
    """Says what became of the saved keys, and what was asked of them."""

    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    asked: list[str] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)  # of settle_once
    saved: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.saved.set()

    def begin(self, session_id: SessionId) -> None:
        self.asked.append("begin")

    def end(self, session_id: SessionId) -> None:
        self.asked.append("end")

    async def settle(self, held: HeldLease) -> None:
        self.asked.append("settle")

    def is_unopened(self, session_id: SessionId) -> bool:
        return bool(self.refusals)

    async def settle_once(self, held: HeldLease) -> None:
        if self.refusals:
            raise self.refusals.pop(0)

    async def save_last(self, session_id: SessionId, term: int) -> None:
        running = self.launcher.runs(session_id)
        assert not running, "saved while a worker may still write"
        await self.saved.wait()
        self.asked.append("save")

    async def discard(self, session_id: SessionId, term: int) -> None:
        self.launcher.store.discard()
        self.asked.append("discard")


@dataclass
class Scene:
    """One connector and one session, `ana`, whose user wants it connected."""

    clock: ManualClock = field(default_factory=ManualClock)
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    ingestion: FakeIngestion = field(default_factory=FakeIngestion)
    delivery: FakeCompanion = field(default_factory=FakeCompanion)
    chance: float = 0.5

    def __post_init__(self) -> None:
        self.leases = MemoryLeases(self.clock)
        self.leases.want(wanted())
        self.doorbell = FakeDoorbell(self.clock)
        self.states = FakeStates(launcher=self.launcher)

    @property
    def worker(self) -> FakeWorker:
        return self.launcher.worker

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            launcher=self.launcher,
            sessions=self.sessions,
            ingestion=self.ingestion,
            delivery=self.delivery,
            states=self.states,
            clock=self.clock,
            chance=lambda: self.chance,
        )

    async def shows(self, state: str) -> None:
        """Wait until `wa_sessions` says this state and code."""
        await turns_until(lambda: self.sessions.state == state)

    async def launches(self, count: int) -> FakeWorker:
        await turns_until(lambda: len(self.launcher.workers) == count)
        return self.worker

    async def go_online(self) -> FakeWorker:
        await turns_until(lambda: bool(self.launcher.alive))
        self.worker.connects()
        await self.shows("connected/connected")
        return self.worker

    @asynccontextmanager
    async def supervised(self, most_sessions: int = 50) -> AsyncIterator[Supervisor]:
        """A supervisor that runs meanwhile, and is stopped in order."""
        supervisor = Supervisor(
            self.leases,
            self.doorbell,
            self.around,
            pace=PACE,
            most_sessions=most_sessions,
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(supervisor.run())
            await settle()
            yield supervisor
            supervisor.stop()
            while not running.done():
                await self.clock.advance(0.1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SessionRunner]:
        """A runner that runs meanwhile, under a lease of 30 s that nobody renews."""
        (lease,) = (await self.leases.claim([], 1)).leases
        self.held = HeldLease(lease, self.clock, ask_now=lambda: None)
        runner = SessionRunner(self.held, self.around)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run())
            await settle()
            yield runner
            runner.stop(Ending.CONNECTOR_STOPS)
            while not running.done():
                await self.clock.advance(0.1)
