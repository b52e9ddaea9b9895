"""Which sessions this connector runs: one runner per lease, for as long as it holds.

Woken by the doorbell, by a runner that doubts its lease, and by the clock anyway. An
error in one session's runner restarts that runner alone. What an earlier run left in the
spool of a session that no longer runs here is stored all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from connector.domain.retry import back_off, is_worth_saying
from connector.errors import ConnectorError, SupabaseRefused
from connector.ports import LeaseStore, SessionId, Wakeups
from connector.sessions.deadlines import before, within
from connector.sessions.held_lease import HeldLease
from connector.sessions.lease_keeper import Changes, LeaseKeeper
from connector.sessions.runner import Ending, SessionRunner, Surroundings

STOP_WITHIN: Final = 7.0  # of the ten seconds a planned stop may take; then kills
STOPPING_AT_ONCE: Final = 4  # sessions; about as many as log in at once elsewhere
ALL_TOLD_WITHIN: Final = 2.5  # what hangs needs the rest of the time
LOOK_ON_WITHIN: Final = 0.5  # once we are told to stop
RECORD_WITHIN: Final = 5.0
SHORTEST_GAP: Final = 0.05  # between two looks, however often the bell rings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to look, in seconds."""

    renew: float
    poll: float  # while the doorbell is healthy
    poll_blind: float


class Supervisor:
    def __init__(
        self,
        leases: LeaseStore,
        wakeups: Wakeups,
        around: Surroundings,
        *,
        pace: Pace,
        most_sessions: int,
    ) -> None:
        self._wakeups = wakeups
        self._around = around
        self._pace = pace
        self._due = asyncio.Event()
        self._stopping = asyncio.Event()
        self._keeper = LeaseKeeper(
            leases, around.clock, most_sessions=most_sessions, ask_now=self._due.set
        )
        self._runners: dict[SessionId, SessionRunner] = {}
        self._tasks: dict[SessionId, asyncio.Task[None]] = {}
        self._drains: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(STOPPING_AT_ONCE)
        self._left_spools = set(around.launcher.spools())
        self._vain_looks = 0  # in a row

    def stop(self) -> None:
        """Let run() end in order: no more claims, every session stopped, all released."""
        self._stopping.set()
        self._due.set()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            while not self.stopping:
                self._due.clear()
                changes = await self._look()
                self._follow(changes, tasks)
                if not self._vain_looks:
                    self._drain_left_spools(tasks)
                await self._around.clock.sleep(SHORTEST_GAP)
                await self._until_due(changes)
            listening.cancel()
            await self._stop_all()

    async def _listen(self) -> None:
        while True:
            poll = self._pace.poll if self._wakeups.healthy else self._pace.poll_blind
            await self._wakeups.wait_sessions(min(poll, self._pace.renew))
            self._due.set()

    async def _until_due(self, changes: Changes) -> None:
        """Or until something is free that nobody rings for, such as a dead machine's."""
        if changes.look_again is None:
            await self._due.wait()
            return
        with suppress(TimeoutError):
            await within(self._around.clock, changes.look_again, self._rung())

    async def _rung(self) -> None:
        await self._due.wait()

    async def _look(self) -> Changes:
        try:
            changes = await before(self._look_ends(), self._keeper.look())
        except (ConnectorError, TimeoutError) as error:
            self._vain_looks += 1
            if is_worth_saying(self._vain_looks):
                at_fault = (
                    "refuses us" if isinstance(error, SupabaseRefused) else "away"
                )
                message = f"supabase {at_fault}, sessions stay online"
                log.warning(message, error=error, count=self._vain_looks)
            return Changes()
        if self._vain_looks:
            log.info("supabase back")
        self._vain_looks = 0
        return changes

    async def _look_ends(self) -> None:
        """A planned stop waits for no Supabase that is frozen."""
        await self._stopping.wait()
        await self._around.clock.sleep(LOOK_ON_WITHIN)

    def _follow(self, changes: Changes, tasks: asyncio.TaskGroup) -> None:
        for session_id in changes.lost:
            log.warning("lease lost", session_id=session_id)
            if runner := self._runners.get(session_id):
                runner.stop(Ending.LEASE_LOST)
        for held in changes.yielded:
            self._hand_over(held)
        for held in changes.gained:
            log.info("lease gained", session_id=held.session_id, term=held.term)
            earlier = self._tasks.get(held.session_id)
            self._tasks[held.session_id] = tasks.create_task(
                self._run_session(held, earlier)
            )

    def _hand_over(self, held: HeldLease) -> None:
        """Let another connector have a session; it is named again until it is gone."""
        runner = self._runners.get(held.session_id)
        if runner is not None and runner.may_move:
            log.info("handing over", session_id=held.session_id, term=held.term)
            held.handed_over = True
            runner.stop(Ending.HANDED_OVER)

    def _drain_left_spools(self, tasks: asyncio.TaskGroup) -> None:
        for session_id in tuple(self._left_spools):
            # A session that runs drains its own; one that starts now waits for this.
            running = self._tasks.get(session_id)
            if running is None or running.done():
                drain = tasks.create_task(self._drain(session_id))
                self._tasks[session_id] = drain
                self._drains.add(drain)
                drain.add_done_callback(self._drains.discard)
                self._left_spools.discard(session_id)

    async def _drain(self, session_id: SessionId) -> None:
        try:
            await self._around.ingestion.drain(session_id)
        except Exception as error:  # noqa: BLE001 - one spool must not end the others
            log.warning("spool left as it is", session_id=session_id, error=error)

    async def _run_session(
        self, held: HeldLease, earlier: asyncio.Task[None] | None
    ) -> None:
        if earlier is not None:
            await asyncio.wait({earlier})  # two runners never share a session's folder
        try:
            await self._keep_running(held)
        finally:
            self._runners.pop(held.session_id, None)
            self._around.watch.left(held.session_id)
            # It had little time to empty its spool if the lease was lost.
            self._left_spools.add(held.session_id)
            await self._keeper.release(held)
            # Somebody may have asked for it again while it was winding down.
            self._due.set()
            if self.stopping:
                self._places.release()
        if self.stopping and not self._vain_looks:
            # The disk may go with the machine: what time a planned stop has left is for this.
            await self._drain(held.session_id)

    async def _keep_running(self, held: HeldLease) -> None:
        failures = 0
        while self._keeper.holds(held) and not (self.stopping or held.handed_over):
            runner = self._runners[held.session_id] = SessionRunner(held, self._around)
            try:
                await runner.run()
            except Exception as error:
                failures += 1
                log.exception("runner failed", session_id=held.session_id)
                await self._record(held, error)
                await self._pause(failures, runner)
            else:
                return

    async def _record(self, held: HeldLease, error: Exception) -> None:
        recording = self._around.sessions.record_event(
            held.session_id,
            held.term,
            level="error",
            code="runner_failed",
            message="The session met an unexpected error and was restarted.",
            details={"error": type(error).__name__},
        )
        try:
            await within(self._around.clock, RECORD_WITHIN, recording)
        except (ConnectorError, TimeoutError) as failure:
            log.warning(
                "notice not recorded", session_id=held.session_id, error=failure
            )

    async def _pause(self, failures: int, runner: SessionRunner) -> None:
        seconds = max(back_off(failures, self._around.chance()).total_seconds(), 1.0)
        with suppress(TimeoutError):
            await within(self._around.clock, seconds, runner.until_told_to_stop())

    async def _stop_all(self) -> None:
        for drain in self._drains:
            drain.cancel()
        # Before the first of them is released: whoever is woken may then take them all.
        others_can_take = not self._vain_looks and await self._keeper.leave()
        running = [task for task in self._tasks.values() if not task.done()]
        ending = self._end_all(running, in_turns=others_can_take)
        try:
            await within(self._around.clock, STOP_WITHIN, ending)
        except TimeoutError:
            left = [task for task in running if not task.done()]
            log.warning("stop cut short", count=len(left))
            for task in left:
                task.cancel()

    async def _end_all(
        self, running: Sequence[asyncio.Task[None]], *, in_turns: bool
    ) -> None:
        if in_turns:
            with suppress(TimeoutError):
                clock = self._around.clock
                await within(clock, ALL_TOLD_WITHIN, self._stop_in_turns())
        for runner in self._runners.values():
            runner.stop(Ending.CONNECTOR_STOPS)
        if running:
            await asyncio.wait(running)

    async def _stop_in_turns(self) -> None:
        """A few at a time: the first are online elsewhere while the last still are here."""
        for runner in sorted(self._runners.values(), key=lambda one: one.is_online):
            await self._places.acquire()
            runner.stop(Ending.CONNECTOR_STOPS)
