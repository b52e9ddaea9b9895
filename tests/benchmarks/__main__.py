"""Measure the whole stack; the last line printed is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.benchmarks import (
    backlog,
    budgets,
    history,
    inbound,
    machine,
    media,
    outbound,
    sent_files,
)
from tests.benchmarks.figures import Figures
from tests.benchmarks.scene import Scene
from tests.benchmarks.sizes import FULL, QUICK, Sizes

Part = Callable[[Scene], Awaitable[Figures]]
# While a member of the workspace watches by Realtime, in this very process.
WATCHED: Sequence[Part] = (
    outbound.gateway,
    inbound.latency,
    outbound.latency,
)
UNWATCHED: Sequence[Part] = (
    outbound.throughput,
    inbound.burst,
    machine.memory,
    machine.resume,
    history.ingestion,
    backlog.drain,
    media.passage,
    sent_files.rate,
    sent_files.memory,
)


async def measure(directory: Path, sizes: Sizes, only: Sequence[str]) -> Figures:
    async with Scene.set_up(directory, sizes) as scene:
        figures: Figures = {"first_qr_s": round(scene.first_qr_s, 2)}
        for part in WATCHED:
            figures |= await _measured(part, scene, only)
        await scene.app.client.realtime.close()
        for part in UNWATCHED:
            figures |= await _measured(part, scene, only)
    return figures


async def _measured(part: Part, scene: Scene, only: Sequence[str]) -> Figures:
    """A part that fails costs its own figures, which then miss their budgets."""
    name = f"{part.__module__.split('.')[-1]}.{part.__name__}"
    if only and name not in only:
        return {}
    print(f"measuring {name} ...", end=" ", flush=True)
    started = time.monotonic()
    figures: Figures = {}
    try:
        figures = await part(scene)
    except (TimeoutError, LookupError, OSError) as error:
        print(f"failed: {error!r}", end=" ")
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
    if missed := budgets.missed(figures, partly=bool(options.only)):
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
