"""What is done with the figures, and with the heartbeat when nobody hears it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from connector.domain import situations
from connector.domain.session_commands import RecordEvent
from connector.errors import ConnectorError, SupabaseUnavailable
from connector.metrics import Metrics
from connector.observability.figures import Sample, Spools
from connector.observability.processes import Process, Usage
from connector.observability.pulse import Pulse
from connector.observability.watch import Heartbeat, Watch
from connector.sessions.state_watch import StateWatch
from tests.fakes.clock import ManualClock, turns_until
from tests.fakes.supabase import ANA

WORKERS = Usage(
    count=2,
    private_bytes=60 << 20,
    worst_private_bytes=40 << 20,
    threads=30,
    open_files=40,
)
SEEN = Sample(
    spools=Spools(events=7, worst=5, oldest_seconds=12.34, dead_letters=1),
    processes={Process.WORKERS: WORKERS},
    free_bytes=5 << 30,
)


class LatePulse(Pulse):
    def worst(self) -> float:
        return 2.5


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.0")


async def test_a_look_becomes_figures_metrics_and_one_warning(metrics: Metrics) -> None:
    clock = ManualClock()
    told: list[RecordEvent] = []
    sessions = StateWatch()
    sessions.shows(ANA, situations.CONNECT_ERROR, clock.monotonic() - 700, told.append)
    watch = Watch(metrics, LatePulse(lambda _: None), sessions, lambda: SEEN, clock)
    metrics.sends.of("sent", "text").inc(3)
    metrics.sends.of("sent", "media").inc()

    with capture_logs() as lines:
        await watch.look()
        await watch.look()

    assert [line["event"] for line in lines] == ["process not well"]
    assert lines[0]["figures"] == watch.figures
    assert {
        "sends_sent": 4.0,
        "spool_oldest_seconds": 12.3,
        "workers_mb": 60.0,
        "worker_worst_mb": 40.0,
        "loop_lag_seconds": 2.5,
        "threads": 30,
    }.items() <= watch.figures.items()
    assert [event.situation.code for event in told] == ["stuck"]
    value = metrics.registry.get_sample_value
    assert value("zapbase_private_bytes", {"process": "workers"}) == 60 << 20
    assert value("zapbase_spool_oldest_seconds") == 12.34
    assert value("zapbase_sessions_stuck_total") == 1
    assert value("zapbase_warnings_total", {"about": "loop_lag"}) == 1


async def test_figures_are_a_line_of_the_log_every_ten_minutes(
    metrics: Metrics,
) -> None:
    clock = ManualClock()
    watch = Watch(metrics, Pulse(lambda _: None), StateWatch(), lambda: SEEN, clock)

    with capture_logs() as lines:
        for _ in range(5):
            await watch.look()
            await clock.advance(300)

    assert [line["event"] for line in lines] == ["figures"] * 2


@dataclass
class Heard:
    beats: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    failures: list[ConnectorError] = field(default_factory=list)
    signed_off: int = 0

    async def beat(self, sessions: int, figures: Mapping[str, float]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.beats.append((sessions, figures))

    async def sign_off(self) -> None:
        self.signed_off += 1


async def test_a_heartbeat_outlives_an_outage_and_says_when_it_stops() -> None:
    clock, heard = ManualClock(), Heard(failures=[SupabaseUnavailable()] * 3)
    heartbeat = Heartbeat(heard, lambda: 2, lambda: {"threads": 9}, clock)

    with capture_logs() as lines:
        beating = asyncio.create_task(heartbeat.run())
        await clock.advance(95)
        await turns_until(lambda: bool(heard.beats))
        beating.cancel()
        await asyncio.wait({beating})

    assert heard.beats == [(2, {"threads": 9})]
    assert [line["event"] for line in lines] == ["heartbeat not told"]
    assert heard.signed_off == 1
