"""Figures: percentiles in milliseconds, memory in megabytes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

Figure: TypeAlias = "float | int | dict[str, float]"
Figures: TypeAlias = dict[str, Figure]


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p95 of durations given in seconds, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50": round(cuts[9] * 1000, 1), "p95": round(cuts[18] * 1000, 1)}


def resident_mb(pid: int) -> float:
    """Resident set size, shared pages included."""
    return _kilobytes(pid, ("Rss",)) / 1024


def private_mb(pid: int) -> float:
    """What would be freed if this process ended."""
    return _kilobytes(pid, ("Private_Clean", "Private_Dirty")) / 1024


def proportional_mb(pids: Sequence[int]) -> float:
    """Processes together, each shared page counted once."""
    return sum(_kilobytes(pid, ("Pss",)) for pid in pids) / 1024


def _kilobytes(pid: int, names: Sequence[str]) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    parts = (line.split() for line in lines)
    return sum(int(part[1]) for part in parts if part[0].rstrip(":") in names)


def children(pid: int) -> list[int]:
    """Direct child processes."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in text.split()]


def family(pid: int) -> list[int]:
    """A process and all that it started, the oldest first."""
    return [pid, *(each for child in children(pid) for each in family(child))]
