"""What a connector's processes have, every few seconds: memory, threads, handles, disk."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.spool.overview import depth
from connector.adapters.whatsapp.spool.writer import FILE_NAME
from devstack.connector_process import ConnectorProcess
from tests.benchmarks.figures import children, private_mb, resident_mb

SECONDS_BETWEEN_LOOKS: Final = 5.0
Figures = Mapping[str, float]


@dataclass(slots=True)
class Samples:
    """`steady` are the sessions whose workers nobody restarts on purpose; `busy` of them
    have much to do."""

    connector: ConnectorProcess
    steady: Sequence[str]
    busy: Sequence[str]
    file: Path | None = None  # a line of JSON for each look
    at: list[float] = field(default_factory=list)  # seconds, monotonic
    figures: list[Figures] = field(default_factory=list)
    replaced: int = 0  # workers that ended though nobody asked them to
    _workers: dict[str, int] = field(default_factory=dict)

    async def take(self) -> None:
        """Until it is cancelled."""
        while True:
            at, found = time.monotonic(), await self.look()
            self.at.append(at)
            self.figures.append(found)
            if self.file is not None:
                with self.file.open("a") as file:
                    file.write(json.dumps({"at": round(at), **found}) + "\n")
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def look(self) -> Figures:
        return await asyncio.to_thread(self._look)

    def _look(self) -> Figures:
        supervisor = self.connector.pid
        # It was started first; a file that is being converted has a child as well.
        zygote = min(children(supervisor))
        workers = self._steady_workers()
        busy = [workers[each] for each in self.busy if each in workers]
        return {
            **_process("supervisor", [supervisor]),
            **_process("zygote", [zygote]),
            **_process("worker", list(workers.values())),
            **_process("busy", busy),
            **_data(self.connector.data_folder),
        }

    def _steady_workers(self) -> Mapping[str, int]:
        for session_id in self.steady:
            with contextlib.suppress(LookupError):
                pid = self.connector.worker_pid(session_id)
                before = self._workers.setdefault(session_id, pid)
                self.replaced += pid != before
                self._workers[session_id] = pid
        return self._workers


def _process(kind: str, pids: Sequence[int]) -> Figures:
    """Of several, what one has on average."""
    return {
        f"{kind}_rss_mb": _mean(resident_mb, pids),
        f"{kind}_private_mb": _mean(private_mb, pids),
        f"{kind}_threads": _mean(lambda pid: _entries(pid, "task"), pids),
        f"{kind}_handles": _mean(lambda pid: _entries(pid, "fd"), pids),
    }


def _mean(figure: Callable[[int], float], pids: Iterable[int]) -> float:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            found.append(figure(pid))
    return statistics.fmean(found) if found else 0.0


def _entries(pid: int, what: str) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/{what}").iterdir())


def _data(folder: Path) -> Figures:
    spools = [depth(path) for path in folder.glob(f"sessions/*/{FILE_NAME}")]
    return {
        "data_mb": sum(map(_size, folder.rglob("*"))) / 1e6,
        "spool_events": sum(spool.events for spool in spools),
        "dead_letters": sum(spool.dead_letters for spool in spools),
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
