"""What the connector's processes take: seconds of CPU, megabytes, workers replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.figures import children, private_mb

TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    supervisor_cpu: float
    all_cpu: float  # workers as well, those that ended meanwhile included
    supervisor_mb: float
    workers: frozenset[int]

    @classmethod
    def now(cls, supervisor: int) -> Toll:
        zygotes = children(supervisor)
        workers = frozenset(pid for zygote in zygotes for pid in children(zygote))
        own, _ = _cpu(supervisor)
        rest = sum(sum(_cpu(zygote)) for zygote in zygotes)
        return cls(
            supervisor_cpu=own,
            all_cpu=own + rest + sum(_cpu(worker)[0] for worker in workers),
            supervisor_mb=private_mb(supervisor),
            workers=workers,
        )


def _cpu(pid: int) -> tuple[float, float]:
    """Of a process, and of its children that have ended; (0, 0) when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return 0.0, 0.0
    # Its name stands in brackets and may hold anything; utime is the 14th field.
    own, system, reaped, reaped_system = stat.rpartition(")")[2].split()[11:15]
    return (int(own) + int(system)) / TICKS, (int(reaped) + int(reaped_system)) / TICKS
