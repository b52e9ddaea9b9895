"""The wrappers pass everything on, and count what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.addresses import Jid
from connector.domain.media import FileResult, FileState
from connector.domain.outgoing import (
    OutboxResult,
    Outcome,
    OutgoingMessage,
    OutgoingText,
)
from connector.errors import (
    LookupRefused,
    NotConnected,
    SendRefused,
    SupabaseRefused,
    SupabaseUnavailable,
    UploadFailed,
    WorkerGone,
)
from connector.metrics import MOST_CHILDREN, Metrics
from connector.observability.figures import Sample
from connector.observability.outbox import UNKNOWN, CountingOutbox, group
from connector.observability.pulse import Pulse
from connector.observability.received import CountingFileQueue, Received
from connector.observability.tie import Tie
from connector.observability.watch import Watch
from connector.observability.workers import CountingLauncher, CountingWorker
from connector.payloads.reading import MODELS
from connector.ports import (
    Claimed,
    ClaimedFile,
    Lane,
    SealedFile,
    SessionId,
    SpooledBatch,
)
from connector.sessions.state_watch import StateWatch
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.sending import (
    MemoryDeviceStore,
    MemoryOutbox,
    SendingWorker,
    asked,
    row,
)
from tests.fakes.supabase import ANA, MemoryLeases, wanted
from tests.fakes.workers import FakeLauncher


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.0")


def figure(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"zapbase_{name}", labels) or 0.0


async def test_rows_are_counted_by_outcome_and_group_once_they_are_recorded(
    metrics: Metrics,
) -> None:
    rows = [row("a"), asked("b", "voice", {}), asked("c", "poll", {})]
    memory = MemoryOutbox()
    memory.queued.extend(rows)
    here = {ANA}
    outbox = CountingOutbox(memory, metrics, here.__contains__)
    await outbox.exchange(ANA, 1, "store", (), 16)
    results = [
        OutboxResult(id="a", outcome=Outcome.SENT),
        OutboxResult(id="b", outcome=Outcome.FAILED),
        OutboxResult(id="earlier", outcome=Outcome.UNCERTAIN),
    ]
    memory.failures.append(SupabaseUnavailable())
    with pytest.raises(SupabaseUnavailable):
        await outbox.exchange(ANA, 1, "store", results, 0)
    assert outbox.waiting == 3
    here.clear()
    assert outbox.waiting == 0, "its next run knows of them, wherever that is"
    assert figure(metrics, "sends_total", outcome="sent", kind="text") == 0

    await outbox.exchange(ANA, 1, "store", results, 0)

    assert outbox.waiting == 0
    assert figure(metrics, "sends_total", outcome="sent", kind="text") == 1
    assert figure(metrics, "sends_total", outcome="failed", kind="media") == 1
    assert figure(metrics, "sends_total", outcome="uncertain", kind="unknown") == 1


def test_what_an_alert_waits_for_is_there_before_it_happens(metrics: Metrics) -> None:
    """Prometheus sees a counter rise only from a value it has read: one that appears at
    1 has not risen."""
    CountingOutbox(MemoryOutbox(), metrics, lambda _: True)
    Received(metrics, ManualClock())
    CountingLauncher(FakeLauncher(), metrics)
    Watch(metrics, Pulse(lambda _: None), StateWatch(), _look, ManualClock())

    alerts: dict[str, list[dict[str, str]]] = {
        "sends_total": [
            {"outcome": outcome, "kind": "text"}
            for outcome in ("uncertain", "failed", "paused", "sent")
        ],
        "dead_letters_total": [{"reason": "unreadable"}, {"reason": "refused"}],
        "lookups_total": [{"question": "numbers", "outcome": "rate_limited"}],
        "worker_starts_total": [{"outcome": "worker_gone"}, {"outcome": "failed"}],
        "warnings_total": [{"about": "loop_lag"}, {"about": "worker_memory"}],
    }
    for name, series in alerts.items():
        for labels in series:
            value = metrics.registry.get_sample_value(f"zapbase_{name}", labels)
            assert value == 0, (name, labels)


def _look() -> Sample:
    return pytest.fail("nobody looks yet")


def test_every_kind_belongs_to_a_group() -> None:
    assert {kind for kind in MODELS if group(kind) == UNKNOWN} == set()


async def test_leases_tell_whether_supabase_is_there() -> None:
    memory = MemoryLeases(ManualClock())
    memory.want(wanted())
    memory.left_to_others = 2
    tie = Tie(memory)
    await tie.claim([], 5)
    assert (tie.held, tie.away_since, tie.left_to_others) == (1, None, 2)

    memory.away = True
    with pytest.raises(SupabaseUnavailable):
        await tie.renew({ANA: 1})
    since = tie.away_since
    assert since is not None
    with pytest.raises(SupabaseUnavailable):
        await tie.renew({ANA: 1})
    assert tie.away_since is since, "it counts from the first failure"
    assert (tie.held, tie.refuses) == (1, False), "what is held stays held meanwhile"

    memory.away = False
    await tie.renew({ANA: 1})
    assert tie.away_since is None
    await tie.release({ANA: 1})
    assert tie.held == 0


async def test_a_key_that_is_refused_is_told_from_an_outage() -> None:
    class Refusing(MemoryLeases):
        async def claim(self, held: Sequence[SessionId], capacity: int) -> Claimed:
            raise SupabaseRefused

    tie = Tie(Refusing(ManualClock()))
    with pytest.raises(SupabaseRefused):
        await tie.claim([], 5)

    assert tie.refuses


async def test_questions_and_launches_are_counted(metrics: Metrics) -> None:
    fake = FakeLauncher()
    worker = await CountingLauncher(fake, metrics).launch(wanted(), 1)
    fake.worker.refuses.append(NotConnected())
    with pytest.raises(NotConnected):
        await worker.look_up(["5511987654321"])
    await worker.look_up(["5511987654321"])
    with pytest.raises(LookupRefused):
        await worker.group_info(Jid("1", "g.us"))
    fake.failures = [WorkerGone()]
    with pytest.raises(WorkerGone):
        await CountingLauncher(fake, metrics).launch(wanted(), 1)

    def asked_for(question: str, outcome: str) -> float:
        return figure(metrics, "lookups_total", question=question, outcome=outcome)

    assert asked_for("numbers", "not_connected") == asked_for("numbers", "ok") == 1
    assert asked_for("group", "not_found") == 1
    assert figure(metrics, "worker_starts_total", outcome="ok") == 1
    assert figure(metrics, "worker_starts_total", outcome="worker_gone") == 1


async def test_sends_are_timed_and_uploads_counted_by_how_they_end(
    metrics: Metrics,
) -> None:
    fake = SendingWorker(MemoryDeviceStore())
    fake.refusals.append(SendRefused(420))
    fake.refuses.append(UploadFailed())
    worker = CountingWorker(fake, metrics)  # type: ignore[arg-type] # sends, and no more
    text = OutgoingMessage(content=OutgoingText(text="oi"))
    file = SealedFile(path=Path("x"), key=b"", media_type="image", size=1)

    with pytest.raises(SendRefused):
        await worker.send(Jid("1", "lid"), text, b"")
    await worker.send(Jid("1", "lid"), text, b"")
    with pytest.raises(UploadFailed):
        await worker.upload(file)
    await worker.upload(file)

    assert figure(metrics, "send_seconds_count", outcome="send_refused") == 1
    assert figure(metrics, "send_seconds_count", outcome="ok") == 1
    assert figure(metrics, "uploads_total", outcome="upload_to_whatsapp_failed") == 1
    assert figure(metrics, "uploads_total", outcome="ok") == 1


def test_a_batch_is_as_late_as_its_oldest_event(metrics: Metrics) -> None:
    received = Received(metrics, ManualClock())
    received.stored(
        SpooledBatch(lane=Lane.LIVE, term=1, received_at=NOON - timedelta(seconds=90))
    )
    received.set_aside("refused", 2)

    assert figure(metrics, "ingestion_lag_seconds_sum", lane="live") == 90
    assert figure(metrics, "dead_letters_total", reason="refused") == 2


async def test_files_are_counted_by_what_became_of_them(metrics: Metrics) -> None:
    class Queue:
        async def claim(
            self, session_id: SessionId, term: int, limit: int, lease: timedelta
        ) -> Sequence[ClaimedFile]:
            return ()

        async def finish(
            self, session_id: SessionId, term: int, results: Sequence[FileResult]
        ) -> None:
            self.finished = results

    queue = Queue()
    stored = FileResult(id="1", state=FileState.STORED)
    expired = FileResult(id="2", state=FileState.EXPIRED, error_code="media_expired")
    await CountingFileQueue(queue, metrics).finish(ANA, 1, [stored, expired])

    assert queue.finished == [stored, expired]
    assert figure(metrics, "downloads_total", outcome="stored") == 1
    assert figure(metrics, "downloads_total", outcome="media_expired") == 1


def test_labels_are_bounded_whatever_is_told(metrics: Metrics) -> None:
    for number in range(MOST_CHILDREN + 50):
        metrics.supabase_answered(f"wa_{number}", "ok", 0.1)

    series = [
        sample
        for metric in metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "zapbase_supabase_request_seconds_count"
    ]
    assert len(series) <= MOST_CHILDREN + 1
    assert sum(sample.value for sample in series) == MOST_CHILDREN + 50
