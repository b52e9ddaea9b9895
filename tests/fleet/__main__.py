"""Storm after storm; the last line printed is one JSON object. Exit code 1: one is missing."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fleet import storms
from tests.fleet.fleet import Fleet


async def sail(directory: Path, options: argparse.Namespace) -> dict[str, Any]:
    started = time.monotonic()
    async with Fleet.afloat(directory, options.numbers) as fleet:
        result: dict[str, Any] = {
            "numbers": options.numbers,
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 1),
            "linking_s": round(time.monotonic() - started),
        }
        print(f"{options.numbers} numbers are linked and online", flush=True)
        for name in options.storms:
            print(f"{name} ...", flush=True)
            result[name] = await _figures(name, fleet, options)
            print(f"  {json.dumps(result[name])}", flush=True)
        result["events"] = await fleet.events()
    return result


async def _figures(
    name: str, fleet: Fleet, options: argparse.Namespace
) -> storms.Figures:
    match name:
        case "dropped":
            return await storms.dropped(fleet)
        case "away":
            return await storms.away(fleet, options.away)
        case _:
            return await storms.restarted(fleet)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="zapbase-fleet-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        result = asyncio.run(sail(Path(directory), options))
    print(json.dumps(result))
    left = sum(result[name]["left_behind"] for name in options.storms)
    sys.exit(1 if left else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fleet")
    parser.add_argument("--numbers", type=int, default=20)
    parser.add_argument("--away", type=float, default=60.0, help="seconds")
    parser.add_argument("--storms", nargs="+", default=["dropped", "away", "restarted"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
