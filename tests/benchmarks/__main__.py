"""Measure the whole stack; the last line printed is one JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path

from tests.benchmarks import inbound, machine, outbound
from tests.benchmarks.figures import Figures
from tests.benchmarks.scene import Scene


async def measure(directory: Path) -> Figures:
    async with Scene.set_up(directory) as scene:
        figures: Figures = {"first_qr_s": round(scene.first_qr_s, 2)}
        for part in (
            outbound.gateway,
            inbound.latency,
            outbound.latency,
            outbound.throughput,
            inbound.burst,
        ):
            print(f"measuring {part.__module__.split('.')[-1]} {part.__name__} ...")
            figures |= await part(scene)
        figures |= await machine.memory(scene)
        figures |= await machine.resume(scene)
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="zapbase-bench-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        figures = asyncio.run(measure(Path(directory)))
    print(f"{os.cpu_count()} cores, Postgres with fsync, everything on one machine")
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
