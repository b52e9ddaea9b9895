"""Measure the whole stack; the last line printed is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.benchmarks import (
    backlog,
    budgets,
    fleet,
    history,
    inbound,
    machine,
    media,
    outbound,
    sent_files,
    state,
)
from tests.benchmarks.figures import Figures
from tests.benchmarks.fleet import Fleet
from tests.benchmarks.scene import Scene
from tests.benchmarks.sizes import FULL, QUICK, Sizes

World = TypeVar("World", Scene, Fleet)
Part = Callable[[World], Awaitable[Figures]]
# While a member of the workspace watches by Realtime, in this very process.
WATCHED: Sequence[Part[Scene]] = (
    outbound.gateway,
    inbound.latency,
    outbound.latency,
)
UNWATCHED: Sequence[Part[Scene]] = (
    outbound.throughput,
    inbound.burst,
    machine.memory,
    machine.resume,
    history.ingestion,
    backlog.drain,
    media.passage,
    sent_files.rate,
    sent_files.memory,
    state.saving,
)
# A world of its own, afterwards. What has to begin with one number comes first.
ELSEWHERE: Sequence[Part[Fleet]] = (
    fleet.handover,
    fleet.failover,
    fleet.memory,
    fleet.handover_of_many,
)


async def measure(directory: Path, sizes: Sizes, only: Sequence[str]) -> Figures:
    figures: Figures = {}
    if _wanted((*WATCHED, *UNWATCHED), only):
        figures |= await _measure_one_number(directory / "one", sizes, only)
    if parts := _wanted(ELSEWHERE, only):
        with _excused():
            async with Fleet.set_up(directory / "many", sizes) as numbers:
                for part in parts:
                    figures |= await _measured(part, numbers)
    return figures


@contextmanager
def _excused() -> Iterator[None]:
    """What fails costs its own figures, which then miss their budgets."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - in whatever way
        print(f"failed: {error!r}", end=" ")


async def _measure_one_number(
    directory: Path, sizes: Sizes, only: Sequence[str]
) -> Figures:
    async with Scene.set_up(directory, sizes) as scene:
        figures: Figures = {"first_qr_s": round(scene.first_qr_s, 2)}
        for part in _wanted(WATCHED, only):
            figures |= await _measured(part, scene)
        await scene.app.client.realtime.close()
        for part in _wanted(UNWATCHED, only):
            figures |= await _measured(part, scene)
    return figures


def _wanted(parts: Sequence[Part[World]], only: Sequence[str]) -> Sequence[Part[World]]:
    return [part for part in parts if not only or _name(part) in only]


def _name(part: Part[World]) -> str:
    return f"{part.__module__.split('.')[-1]}.{part.__name__}"


async def _measured(part: Part[World], world: World) -> Figures:
    print(f"measuring {_name(part)} ...", end=" ", flush=True)
    started = time.monotonic()
    figures: Figures = {}
    with _excused():
        figures = await part(world)
    print(f"({time.monotonic() - started:.0f} s)")
    return figures


def main() -> None:
    options = _options()
    sizes = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="zapbase-bench-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        figures = asyncio.run(measure(Path(directory), sizes, options.only))
    print(f"{os.cpu_count()} cores, Postgres with fsync, everything on one machine")
    print(*budgets.table(figures), sep="\n")
    if missed := budgets.missed(figures, partly=options.quick or bool(options.only)):
        print(f"over budget: {', '.join(missed)}")
    print(json.dumps(figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of everything: for debugging"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        help="one part, such as history.ingestion",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
