"""Every figure the connector exposes, in one object that composition passes along.

Labels come from enumerations and literals of ours: never a session, a number, a JID, a
row or a text. Should one not be bounded after all, what comes too much counts as `other`.
docs/observability.md says what each figure means; a test compares the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

from connector.errors import ConnectorError

MOST_CHILDREN: Final = 200  # label values, or combinations of them, of one metric
OTHER: Final = "other"
OK: Final = "ok"

_SHORT: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAGS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 3600)
_LOOP: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# When each series began is of no use to anybody here, and makes them twice as many.
disable_created_metrics()  # type: ignore[no-untyped-call] # they forgot

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Family(Generic[Metric]):
    """A metric by its labels; finding a child again costs a look into a dict."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def of(self, *labels: str) -> Metric:
        child = self._children.get(labels)
        if child is not None:
            return child
        if len(self._children) >= MOST_CHILDREN:
            return self._metric.labels(*(OTHER,) * len(labels))
        child = self._children[labels] = self._metric.labels(*labels)
        return child


def outcome_of(error: BaseException) -> str:
    """A label for how something ended; our own errors have stable codes."""
    if isinstance(error, ConnectorError):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


class Metrics:
    """Safe to use from any thread; an event costs one or two microseconds."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        Info("zapbase_build", "Which version runs.", registry=self.registry).info(
            {"version": version}
        )
        self._define_sessions()
        self._define_sending()
        self._define_received()
        self._define_surroundings()
        self._define_process()

    def _define_sessions(self) -> None:
        self.sessions = self._gauges("sessions", "Sessions run here.", "state")
        self.leases = self._gauge("leases_held", "Leases held.")
        self.reconnects = self._counters(
            "reconnects", "Times a session began to reconnect, by why.", "code"
        )
        self.logins_waiting = self._gauge(
            "logins_waiting", "Sessions that wait for their turn to log in."
        )
        self.logins_under_way = self._gauge(
            "logins_under_way", "Sessions that have their turn."
        )
        self.stuck = self._counter(
            "sessions_stuck", "Times a session was in one passing state too long."
        )
        self.worker_starts = self._counters(
            "worker_starts", "Worker processes started.", "outcome"
        )

    def _define_sending(self) -> None:
        self.sends = self._counters(
            "sends", "Rows of the outbox that ended, as recorded.", "outcome", "kind"
        )
        self.results_waiting = self._gauge(
            "results_waiting", "Results of rows that Supabase does not know of yet."
        )
        self.send_seconds = self._histograms(
            "send_seconds",
            "From handing over to WhatsApp's receipt.",
            _SHORT,
            "outcome",
        )
        self.uploads = self._counters(
            "uploads", "Files brought to WhatsApp's servers.", "outcome"
        )

    def _define_received(self) -> None:
        self.stored = self._counters(
            "stored", "Things stored that came in: messages, ticks, edits, …", "lane"
        )
        self.ingestion_lag = self._histograms(
            "ingestion_lag_seconds",
            "From received to stored, of the oldest event of each batch.",
            _LAGS,
            "lane",
        )
        self.set_aside = self._counters(
            "dead_letters", "Events that were set aside.", "reason"
        )
        self.dead_letters = self._gauge(
            "dead_letters_kept", "Dead letters on this machine's disk."
        )
        self.spool_events = self._gauge("spool_events", "Events in all spools.")
        self.spool_worst = self._gauge(
            "spool_worst_events", "Events in the fullest spool."
        )
        self.spool_oldest = self._gauge(
            "spool_oldest_seconds", "Age of the oldest event in any spool."
        )
        self.downloads = self._counters(
            "downloads", "Received files, as recorded.", "outcome"
        )
        self.look_ups = self._counters(
            "lookups", "Questions WhatsApp was asked.", "question", "outcome"
        )

    def _define_surroundings(self) -> None:
        self.supabase_seconds = self._histograms(
            "supabase_request_seconds",
            "Requests to Supabase, by RPC.",
            _SHORT,
            "call",
            "outcome",
        )
        self.supabase_away = self._gauge(
            "supabase_away_seconds", "For how long leases could not be asked for."
        )
        self.supabase_up = self._gauges(
            "supabase_up", "1: this part of Supabase answers; 0: it does not.", "part"
        )
        self.doorbell = self._gauge(
            "doorbell_healthy", "1: Realtime wakes us; 0: we poll."
        )

    def _define_process(self) -> None:
        self.loop_lag = Histogram(
            "zapbase_event_loop_lag_seconds",
            "How late the event loop turned, looked at every second.",
            buckets=_LOOP,
            registry=self.registry,
        )
        self.processes = self._gauges("processes", "Processes.", "process")
        self.private_bytes = self._gauges(
            "private_bytes", "Memory that only these processes use.", "process"
        )
        self.worst_worker = self._gauge(
            "worker_worst_private_bytes", "Memory of the largest worker."
        )
        self.threads = self._gauges("threads", "Threads.", "process")
        self.open_files = self._gauges("open_files", "Open files.", "process")
        self.disk_free = self._gauge("data_free_bytes", "Free disk for WA_DATA_DIR.")
        self.started_at = self._gauge("start_time_seconds", "Unix time of the start.")
        self.warnings = self._counters(
            "warnings", "Warnings about this process in the log.", "about"
        )
        self.log_keys_dropped = self._gauge(
            "log_keys_dropped", "Keys that were kept out of the log since the start."
        )

    # --- what others tell ------------------------------------------------------------

    def supabase_answered(self, call: str, outcome: str, seconds: float) -> None:
        self.supabase_seconds.of(call, outcome).observe(seconds)

    # --- definitions -----------------------------------------------------------------

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"zapbase_{name}", meaning, registry=self.registry)

    def _gauges(self, name: str, meaning: str, *labels: str) -> Family[Gauge]:
        return Family(Gauge(f"zapbase_{name}", meaning, labels, registry=self.registry))

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"zapbase_{name}", meaning, registry=self.registry)

    def _counters(self, name: str, meaning: str, *labels: str) -> Family[Counter]:
        return Family(
            Counter(f"zapbase_{name}", meaning, labels, registry=self.registry)
        )

    def _histograms(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Family[Histogram]:
        return Family(
            Histogram(
                f"zapbase_{name}",
                meaning,
                labels,
                buckets=buckets,
                registry=self.registry,
            )
        )


def shown(gauge: Gauge, read: Callable[[], float]) -> None:
    """Have `read` asked, from the serving thread, whenever somebody looks."""
    gauge.set_function(read)
