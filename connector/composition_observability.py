"""Builds what watches over the process; the rest is composition.py's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import structlog

from connector import __version__, logs
from connector.adapters.supabase.client import MOST_CONNECTIONS, SupabaseClient
from connector.adapters.supabase.heartbeats import SupabaseHeartbeats
from connector.adapters.supabase.measured import MeasuredClient
from connector.adapters.supabase.probes import ask_for_bucket, has_schema
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.clock import SystemClock
from connector.data_folder import DataFolder
from connector.domain.states import State
from connector.metrics import Metrics, shown
from connector.observability.figures import sample
from connector.observability.health import Vitals, verdict
from connector.observability.outbox import CountingOutbox
from connector.observability.parts import (
    Part,
    SupabaseParts,
    check_schema,
    probe_storage,
)
from connector.observability.pulse import Pulse, Watchdog
from connector.observability.received import CountingFileQueue, Received
from connector.observability.serving import FiguresServer
from connector.observability.tie import Tie
from connector.observability.watch import Heartbeat, Watch
from connector.observability.workers import CountingLauncher
from connector.ports import (
    FileQueue,
    Launcher,
    LeaseStore,
    OutboxStore,
    Wakeups,
)
from connector.sessions.login_gate import LoginGate
from connector.sessions.state_watch import StateWatch
from connector.sessions.supervisor import Supervisor
from connector.settings import Settings

log = structlog.get_logger()


@dataclass(slots=True)
class Observability:
    """Puts wrappers around ports while the connector is built, then runs beside it."""

    settings: Settings
    folder: DataFolder
    zygote: Zygote
    wakeups: Wakeups
    metrics: Metrics
    sessions: StateWatch
    pulse: Pulse
    received: Received
    parts: SupabaseParts
    _tie: Tie | None = field(default=None, init=False)
    _supervisor: Supervisor | None = field(default=None, init=False)

    @classmethod
    def over(
        cls, settings: Settings, folder: DataFolder, zygote: Zygote, wakeups: Wakeups
    ) -> Self:
        metrics = Metrics(__version__)
        metrics.started_at.set_to_current_time()
        shown(metrics.doorbell, lambda: float(wakeups.healthy))
        parts = _watched_parts(metrics, wakeups)
        shown(metrics.log_keys_dropped, lambda: float(logs.dropped.count))
        return cls(
            settings,
            folder,
            zygote,
            wakeups,
            metrics,
            _watched_sessions(metrics),
            Pulse(metrics.loop_lag.observe),
            Received(metrics, SystemClock()),
            parts,
        )

    # --- around the ports ------------------------------------------------------------

    def client(self, most_connections: int = MOST_CONNECTIONS) -> SupabaseClient:
        settings = self.settings

        def told(call: str, outcome: str, seconds: float) -> None:
            self.metrics.supabase_answered(call, outcome, seconds)
            self.parts.answered(call, outcome, seconds)

        url, key = settings.supabase_url, settings.supabase_secret_key
        return MeasuredClient(
            url, key, told, self.parts.may_ask, most_connections=most_connections
        )

    def launcher(self, launcher: Launcher) -> Launcher:
        return CountingLauncher(launcher, self.metrics)

    def outbox(self, outbox: OutboxStore) -> OutboxStore:
        counting = CountingOutbox(outbox, self.metrics, self.sessions.runs_here)
        shown(self.metrics.results_waiting, lambda: float(counting.waiting))
        return counting

    def file_queue(self, queue: FileQueue) -> FileQueue:
        return CountingFileQueue(queue, self.metrics)

    def gate(self, gate: LoginGate) -> LoginGate:
        shown(self.metrics.logins_waiting, lambda: float(gate.waiting))
        shown(self.metrics.logins_under_way, lambda: float(gate.under_way))
        return gate

    def leases(self, leases: LeaseStore) -> LeaseStore:
        self._tie = tie = Tie(leases)
        shown(self.metrics.leases, lambda: float(tie.held))
        shown(self.metrics.supabase_away, lambda: tie.away_seconds)
        return tie

    # --- beside the connector --------------------------------------------------------

    async def run(self, supervisor: Supervisor, client: SupabaseClient) -> None:
        """Until it is cancelled, which every session has ended before."""
        self._supervisor = supervisor
        serving = self._serve()
        watchdog = Watchdog(self.pulse)
        watchdog.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = self._watch()
                tasks.create_task(self.pulse.run())
                tasks.create_task(watch.run())
                tasks.create_task(self._heartbeat(client, watch).run())
                for probing in self._probes(client):
                    tasks.create_task(probing)
        finally:
            watchdog.stop()
            if serving is not None:
                await asyncio.to_thread(serving.close)

    def _probes(self, client: SupabaseClient) -> Iterator[Coroutine[Any, Any, None]]:
        bucket = partial(ask_for_bucket, client)
        yield probe_storage(self.parts, bucket, SystemClock())
        yield check_schema(self.parts, partial(has_schema, client), SystemClock())

    def _serve(self) -> FiguresServer | None:
        host, port = self.settings.metrics_host, self.settings.metrics_port
        if port is None:
            return None
        try:
            server = FiguresServer(host, port, self.metrics.registry, self._health)
        except OSError as error:
            # Numbers are not taken offline because a port is.
            log.error("metrics not served", code="port_taken", error=error)  # noqa: TRY400 - it is said
            return None
        server.start()
        return server

    def _watch(self) -> Watch:
        look = partial(sample, self.folder.path, self.zygote.pid)
        return Watch(self.metrics, self.pulse, self.sessions, look, SystemClock())

    def _heartbeat(self, client: SupabaseClient, watch: Watch) -> Heartbeat:
        telling = SupabaseHeartbeats(
            client, holder=self.folder.holder, version=__version__
        )
        return Heartbeat(
            telling,
            lambda: 0 if self._tie is None else self._tie.held,
            lambda: watch.figures,
            SystemClock(),
        )

    def _health(self) -> tuple[int, Mapping[str, Any]]:
        """Called by the serving threads."""
        tie, settings = self._tie, self.settings
        return verdict(
            Vitals(
                version=__version__,
                loop_silent=self.pulse.silent_seconds,
                zygote_gone=self.zygote.is_gone,
                leases_unseen=0.0 if tie is None else tie.unseen_seconds,
                look_every=min(settings.lease_seconds, settings.poll_seconds),
                stopping=self._supervisor is not None and self._supervisor.stopping,
                sessions=self.sessions.by_state(),
                leases=0 if tie is None else tie.held,
                left_to_others=0 if tie is None else tie.left_to_others,
                supabase_away_since=None if tie is None else tie.away_since,
                supabase_refuses=tie is not None and tie.refuses,
                parts=self.parts.codes(),
                doorbell=self.wakeups.healthy,
            )
        )


def _watched_parts(metrics: Metrics, wakeups: Wakeups) -> SupabaseParts:
    parts = SupabaseParts(lambda: wakeups.healthy)

    def up(part: Part) -> float:
        return float(parts.up(part))

    for part in Part:
        shown(metrics.supabase_up.of(part.value), partial(up, part))
    return parts


def _watched_sessions(metrics: Metrics) -> StateWatch:
    sessions = StateWatch(lambda code: metrics.reconnects.of(code).inc())

    def count(state: State) -> float:
        return float(sessions.by_state().get(state, 0))

    for state in State:
        shown(metrics.sessions.of(state.value), partial(count, state))
    return sessions
