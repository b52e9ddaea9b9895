"""One look at everything that is not counted as it happens: spools, processes, the disk.

The same few numbers go three ways: to the metrics, to the log every ten minutes, and to
Postgres with each heartbeat.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from prometheus_client.metrics_core import Metric

from connector.adapters.whatsapp.spool import overview
from connector.errors import SpoolUnavailable
from connector.metrics import Metrics
from connector.observability.processes import Process, Usage, usages

MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Spools:
    """All spools of this machine."""

    events: int = 0
    worst: int = 0
    oldest_seconds: float = 0.0
    dead_letters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    spools: Spools = field(default_factory=Spools)
    processes: Mapping[Process, Usage] = field(default_factory=dict)
    free_bytes: int = 0

    @property
    def threads(self) -> int:
        return sum(usage.threads for usage in self.processes.values())

    @property
    def workers(self) -> Usage:
        return self.processes.get(Process.WORKERS, Usage())

    @property
    def open_files(self) -> int:
        return sum(usage.open_files for usage in self.processes.values())


def sample(data: Path, zygote: int) -> Sample:
    """Look; takes milliseconds of disk and kernel, so: in a thread."""
    return Sample(
        spools=_spools(data),
        processes=usages(os.getpid(), zygote),
        free_bytes=shutil.disk_usage(data).free,
    )


def _spools(data: Path) -> Spools:
    depths = []
    for path in overview.spools(data).values():
        try:
            depths.append(overview.depth(path))
        except SpoolUnavailable:
            continue  # whoever stores what it holds complains of it
    oldest = min((one.oldest_at for one in depths if one.oldest_at), default=None)
    age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
    return Spools(
        events=sum(one.events for one in depths),
        worst=max((one.events for one in depths), default=0),
        oldest_seconds=max(age, 0.0),
        dead_letters=sum(one.dead_letters for one in depths),
    )


def expose(seen: Sample, metrics: Metrics) -> None:
    metrics.spool_events.set(seen.spools.events)
    metrics.spool_worst.set(seen.spools.worst)
    metrics.spool_oldest.set(seen.spools.oldest_seconds)
    metrics.dead_letters.set(seen.spools.dead_letters)
    metrics.disk_free.set(seen.free_bytes)
    for process, usage in seen.processes.items():
        metrics.processes.of(process.value).set(usage.count)
        metrics.private_bytes.of(process.value).set(usage.private_bytes)
        metrics.threads.of(process.value).set(usage.threads)
        metrics.open_files.of(process.value).set(usage.open_files)
    metrics.worst_worker.set(seen.workers.worst_private_bytes)


def in_short(seen: Sample, collected: Iterable[Metric]) -> dict[str, float]:
    """The operator's figures: numbers by plain names."""
    found = {metric.name: metric for metric in collected}
    figures: dict[str, float] = {
        "spool_events": seen.spools.events,
        "spool_worst_events": seen.spools.worst,
        "spool_oldest_seconds": round(seen.spools.oldest_seconds, 1),
        "dead_letters": seen.spools.dead_letters,
        "threads": seen.threads,
        "open_files": seen.open_files,
        "free_mb": seen.free_bytes // MEGABYTE,
        "results_waiting": _total(found["zapbase_results_waiting"]),
        "supabase_ms": _mean_ms(found["zapbase_supabase_request_seconds"]),
        "ingestion_lag_ms": _mean_ms(found["zapbase_ingestion_lag_seconds"]),
        "leases": _total(found["zapbase_leases_held"]),
        "supabase_away_seconds": round(_total(found["zapbase_supabase_away_seconds"])),
        "doorbell": _total(found["zapbase_doorbell_healthy"]),
    }
    figures |= _by("sessions_", "state", found["zapbase_sessions"])
    figures |= _by("sends_", "outcome", found["zapbase_sends"])
    for process, usage in seen.processes.items():
        figures[f"{process.value}_mb"] = round(usage.private_bytes / MEGABYTE, 1)
    worst = seen.workers
    figures["worker_worst_mb"] = round(worst.worst_private_bytes / MEGABYTE, 1)
    figures["worker_worst_threads"] = worst.worst_threads
    figures["worker_worst_open_files"] = worst.worst_open_files
    return figures


def _by(prefix: str, label: str, metric: Metric) -> dict[str, float]:
    totals: dict[str, float] = {}
    for one in metric.samples:
        if one.value:
            name = prefix + one.labels[label]
            totals[name] = totals.get(name, 0.0) + one.value
    return totals


def _total(metric: Metric) -> float:
    return float(sum(one.value for one in metric.samples))


def _mean_ms(histogram: Metric) -> float:
    """Since the start."""
    sums = {"_sum": 0.0, "_count": 0.0}
    for one in histogram.samples:
        suffix = one.name.removeprefix(histogram.name)
        if suffix in sums:
            sums[suffix] += one.value
    return round(1000 * sums["_sum"] / sums["_count"], 1) if sums["_count"] else 0.0
