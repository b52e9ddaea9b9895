"""The worker process of this moment: the only code that starts and ends one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from connector.errors import ConnectorError, SealBroken, WorkerGone
from connector.ports import Clock, Launcher, Signal, Worker, WorkerEvent
from connector.sessions.deadlines import within
from connector.sessions.held_lease import HeldLease

LAUNCH_WITHIN: Final = 15.0
CONNECT_WITHIN: Final = 15.0
LOG_OUT_WITHIN: Final = 15.0
ANSWER_WITHIN: Final = 10.0
STOP_WITHIN: Final = 5.0
KILL_WITHIN: Final = 2.0

log = structlog.get_logger()


class RunningWorker:
    def __init__(
        self,
        held: HeldLease,
        launcher: Launcher,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        hear: Callable[[WorkerEvent], Awaitable[None]],
    ) -> None:
        self._held = held
        self._launcher = launcher
        self._clock = clock
        self._tasks = tasks
        self._hear = hear
        self._worker: Worker | None = None
        self._listening: asyncio.Task[None] | None = None
        self._vouching: asyncio.Task[None] | None = None
        self._ending = False

    @property
    def current(self) -> Worker | None:
        return self._worker

    async def launch(self) -> bool:
        """Start a worker once the lease is surely ours; say whether it started.

        Raises SealBroken when its spool was sealed with a key we do not have.
        """
        await self._held.until_trusted()
        try:
            worker = await within(self._clock, LAUNCH_WITHIN, self._launch())
        except SealBroken:
            raise
        except (ConnectorError, TimeoutError, OSError):
            log.exception("launch failed", session_id=self._held.session_id)
            return False
        self._ending = False
        self._listening = self._tasks.create_task(self._listen(worker))
        self._vouching = self._tasks.create_task(self._vouch(worker))
        return True

    async def _launch(self) -> Worker:
        # Kept here, not where it is waited for: whoever cancels that wait at the moment
        # the process is there must still find a worker to end.
        self._worker = await self._launcher.launch(self._held.session, self._held.term)
        return self._worker

    async def connect(self, pairing_phone: str | None) -> None:
        """Ask the worker to dial; what comes of it arrives as events."""
        if self._worker is None:
            return
        await self._held.until_trusted()  # it may have run out since the launch
        dialling = self._worker.connect(pairing_phone=pairing_phone)
        try:
            await within(self._clock, CONNECT_WITHIN, dialling)
        except (WorkerGone, TimeoutError) as error:
            # EXITED or the ANSWER timer follows.
            log.warning("connect failed", session_id=self._held.session_id, error=error)

    async def answers(self) -> bool:
        """Whether the process is alive, and not only there."""
        if self._worker is None:
            return False
        try:
            await within(self._clock, ANSWER_WITHIN, self._worker.ping())
        except (ConnectorError, TimeoutError) as error:
            log.warning("worker silent", session_id=self._held.session_id, error=error)
            return False
        return True

    async def log_out(self) -> bool:
        """Unlink this device at WhatsApp; say whether that surely happened."""
        if self._worker is None:
            return False
        try:
            await within(self._clock, LOG_OUT_WITHIN, self._worker.log_out())
        except (ConnectorError, TimeoutError) as error:
            log.warning("log-out failed", session_id=self._held.session_id, error=error)
            return False
        return True

    async def stop(self) -> None:
        """End the worker in order, so that nothing received is lost; else kill it."""
        if self._worker is None:
            return
        self._ending = True
        try:
            await within(self._clock, STOP_WITHIN, self._worker.stop())
        except (ConnectorError, TimeoutError) as error:
            log.warning("stop failed", session_id=self._held.session_id, error=error)
            await self.kill()
        self._forget()

    async def kill(self) -> None:
        """End the worker at once."""
        if self._worker is None:
            return
        self._ending = True
        try:
            await within(self._clock, KILL_WITHIN, self._worker.kill())
        except (ConnectorError, TimeoutError):
            log.exception("kill failed", session_id=self._held.session_id)
        self._forget()

    def exited(self) -> None:
        """Take note that the process ended by itself."""
        self._forget()

    def _forget(self) -> None:
        self._worker = None
        for task in (self._listening, self._vouching):
            if task is not None:
                task.cancel()
        self._listening = self._vouching = None

    async def _vouch(self, worker: Worker) -> None:
        """Let it dial by itself for as long as the lease is surely ours, and no longer."""
        while True:
            renewal = self._held.next_renewal
            await worker.may_log_in(self._held.trusted_until)
            await renewal.wait()

    async def _listen(self, worker: Worker) -> None:
        # A worker that is being ended may still spool, but decides nothing any more.
        async for event in worker.events():
            if not self._ending or event.signal is Signal.SPOOLED:
                await self._hear(event)
