"""Half an hour of dense traffic; the last line printed is one JSON object.

Exit code 1: something grows, was lost, came twice, or ended by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tests.fleet.fleet import Fleet
from tests.soak.counting import counted, unheard
from tests.soak.report import Report
from tests.soak.samples import SECONDS_BETWEEN_LOOKS, Samples
from tests.soak.traffic import Traffic
from tests.soak.warming import ring_in_vain


async def soak(directory: Path, options: argparse.Namespace) -> Report:
    chance = random.Random(options.seed)  # noqa: S311 - seeded on purpose
    async with Fleet.afloat(directory, options.numbers) as fleet:
        print(f"{options.numbers} numbers are linked and online", flush=True)
        await ring_in_vain(fleet.stage.supabase.database_url)
        traffic = await Traffic.prepared(fleet, chance, options.rate)
        samples = Samples(
            fleet.connector,
            traffic.steady,
            [each.session_id for each in traffic.busy],
            options.samples,
        )
        sampling = asyncio.create_task(samples.take())
        await traffic.run(options.minutes * 60)
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling
        counts = await counted(traffic)
        print(*await unheard(traffic), sep="\n")
        # With nothing under way any more: what the spools still hold would stay there.
        at_rest = await samples.look()
        print(
            f"{traffic.reconnects} reconnects, {traffic.restarts} restarts, "
            f"{len(samples.figures)} looks {SECONDS_BETWEEN_LOOKS:g} s apart"
        )
        return Report.of(samples, counts, at_rest)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="zapbase-soak-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        report = asyncio.run(soak(Path(directory), options))
    print(*report.lines(), sep="\n")
    result = {
        "minutes": options.minutes,
        "numbers": options.numbers,
        "rate": options.rate,
        "cores": os.cpu_count(),
        "growing": report.growing,
        "ended_by_themselves": report.replaced,
        "left_in_spools": report.left_in_spools,
        **asdict(report.counts),
        "slopes": {
            name: {key: round(value, 3) for key, value in asdict(slope).items()}
            for name, slope in report.slopes.items()
        },
    }
    print(json.dumps(result))
    sys.exit(0 if report.is_clean else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--numbers", type=int, default=20)
    parser.add_argument("--rate", type=float, default=25.0, help="messages a second")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--samples", type=Path, help="a file for each look, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
