"""What comes in, counted: batches as they are stored, files as they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from connector.domain.media import FileResult
from connector.metrics import Metrics
from connector.ports import ClaimedFile, Clock, FileQueue, SessionId, SpooledBatch

REASONS: Final = ("unreadable", "refused")  # why an event is set aside


class Received:
    """Told by ingestion."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        for reason in REASONS:
            metrics.set_aside.of(reason)  # from 0: a rise to 1 is seen

    def stored(self, batch: SpooledBatch) -> None:
        lane = batch.lane.value
        self._metrics.stored.of(lane).inc(len(batch.incoming))
        if batch.received_at is not None:
            lag = (self._clock.now() - batch.received_at).total_seconds()
            self._metrics.ingestion_lag.of(lane).observe(max(lag, 0.0))

    def set_aside(self, reason: str, count: int) -> None:
        if count:
            self._metrics.set_aside.of(reason).inc(count)


class CountingFileQueue:
    """Implements FileQueue by another one."""

    def __init__(self, queue: FileQueue, metrics: Metrics) -> None:
        self._queue = queue
        self._metrics = metrics

    async def claim(
        self, session_id: SessionId, term: int, limit: int, lease: timedelta
    ) -> Sequence[ClaimedFile]:
        return await self._queue.claim(session_id, term, limit, lease)

    async def finish(
        self, session_id: SessionId, term: int, results: Sequence[FileResult]
    ) -> None:
        await self._queue.finish(session_id, term, results)
        for result in results:
            self._metrics.downloads.of(result.error_code or result.state.value).inc()
