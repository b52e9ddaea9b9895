"""Looks at the process every half minute: figures, warnings, stuck sessions, heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from connector.errors import ConnectorError
from connector.metrics import Metrics
from connector.observability.alarms import ABOUT, Alarms, Observation
from connector.observability.figures import MEGABYTE, Sample, expose, in_short
from connector.observability.pulse import Pulse
from connector.ports import Clock
from connector.sessions.state_watch import StateWatch

LOOK_EVERY: Final = 30.0
LOG_EVERY: Final = 600.0
SIGN_OFF_WITHIN: Final = 1.0

log = structlog.get_logger()


class Heartbeats(Protocol):
    """Raises ConnectorError."""

    async def beat(self, sessions: int, figures: Mapping[str, float]) -> None: ...
    async def sign_off(self) -> None:
        """A planned stop: nobody may count on us any more."""


class Watch:
    def __init__(
        self,
        metrics: Metrics,
        pulse: Pulse,
        sessions: StateWatch,
        look: Callable[[], Sample],
        clock: Clock,
    ) -> None:
        """`look` is called in a thread."""
        self._metrics = metrics
        self._pulse = pulse
        self._sessions = sessions
        self._look = look
        self._clock = clock
        self._alarms = Alarms()
        self._began = clock.monotonic()
        self._log_at = self._began + LOG_EVERY
        self.figures: Mapping[str, float] = {}
        for what in ABOUT:
            metrics.warnings.of(what)  # from 0: a rise to 1 is seen

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # figures are not worth a session
                log.exception("figures not taken")
            await self._clock.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Take every figure once, and say what has to be said."""
        lag = self._pulse.worst()
        seen, short = await asyncio.to_thread(self._take)
        now = self._clock.monotonic()
        figures = {
            **short,
            "uptime_seconds": round(now - self._began),
            "loop_lag_seconds": round(lag, 3),
        }
        self.figures = figures
        self._metrics.stuck.inc(self._sessions.tell_stuck(now))
        self._warn(now, lag, seen)
        if now >= self._log_at:
            self._log_at = now + LOG_EVERY
            log.info("figures", figures=figures)

    def _take(self) -> tuple[Sample, Mapping[str, float]]:
        seen = self._look()
        expose(seen, self._metrics)
        return seen, in_short(seen, self._metrics.registry.collect())

    def _warn(self, now: float, lag: float, seen: Sample) -> None:
        observation = Observation(
            at=now,
            loop_lag=lag,
            threads=seen.threads,
            open_files=seen.open_files,
            worker_threads=seen.workers.worst_threads,
            worker_open_files=seen.workers.worst_open_files,
            worker_mb=seen.workers.worst_private_bytes // MEGABYTE,
            sessions=sum(self._sessions.by_state().values()),
        )
        if about := self._alarms.observe(observation):
            for what in about:
                self._metrics.warnings.of(what).inc()
            log.warning(
                "process not well", reason=", ".join(about), figures=self.figures
            )


class Heartbeat:
    """Says in Postgres that this connector lives."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        sessions: Callable[[], int],
        figures: Callable[[], Mapping[str, float]],
        clock: Clock,
    ) -> None:
        self._heartbeats = heartbeats
        self._sessions = sessions
        self._figures = figures
        self._clock = clock
        self._failing = False

    async def run(self) -> None:
        """Ends only by cancellation; then says that we stop."""
        try:
            while True:
                await self._beat()
                await self._clock.sleep(LOOK_EVERY)
        finally:
            await self._sign_off()

    async def _beat(self) -> None:
        try:
            await self._heartbeats.beat(self._sessions(), self._figures())
        except ConnectorError as error:
            if not self._failing:
                log.warning("heartbeat not told", error=error)
            self._failing = True
        except Exception:  # nor is a heartbeat
            log.exception("heartbeat failed")
        else:
            self._failing = False

    async def _sign_off(self) -> None:
        try:
            async with asyncio.timeout(SIGN_OFF_WITHIN):
                await self._heartbeats.sign_off()
        except (ConnectorError, TimeoutError):
            log.info("stop not told")  # our age tells it a little later
