"""How much memory processes take while something happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.benchmarks.figures import proportional_mb

SECONDS_BETWEEN_LOOKS = 0.05


@dataclass
class Footprint:
    """Megabytes of each process, shared pages counted once, beyond what it had before."""

    processes: Mapping[str, int]
    before: dict[str, float]
    peak: dict[str, float] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def watched(cls, **processes: int) -> AsyncIterator[Footprint]:
        before = {name: proportional_mb([pid]) for name, pid in processes.items()}
        footprint = cls(processes, before, dict(before))
        watching = asyncio.create_task(footprint._watch())
        try:
            yield footprint
        finally:
            watching.cancel()
            footprint._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def _look(self) -> None:
        for name, pid in self.processes.items():
            self.peak[name] = max(self.peak[name], proportional_mb([pid]))

    def extra_mb(self, name: str) -> float:
        return self.peak[name] - self.before[name]

    def left_mb(self, name: str) -> float:
        """What it still has more than before."""
        return proportional_mb([self.processes[name]]) - self.before[name]
