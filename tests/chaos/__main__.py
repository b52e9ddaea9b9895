"""Round after round, judged every so often; the last line is one JSON object. Exit 1: a defect."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.report import summary, table, told
from tests.chaos.rounds import Chaos


async def play(directory: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """The figures as JSON, and whether there is nothing to say against them."""
    started = time.monotonic()
    first, after = options.first, options.first + options.rounds
    async with Chaos.set_up(directory, options.seed, numbers=options.numbers) as chaos:
        played = 0
        while first < after and time.monotonic() - started < options.minutes * 60:
            rounds = min(options.judge_every, after - first)
            verdict = await chaos.epoch(first, rounds)
            print(told(first, first + rounds - 1, verdict), flush=True)
            first, played = first + rounds, played + rounds
            if options.stop and not verdict.is_clean:
                break
        again = await chaos.judge.look_at_everything_again()
        figures = summary(chaos, again, played, time.monotonic() - started)
        clean = chaos.is_clean and not figures["found_only_at_the_end"]
    print(table(figures))
    return json.dumps(figures), clean


def main() -> None:
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="zapbase-chaos-"))
    # Postgres may run as another user than root; it must reach its folder.
    directory.chmod(0o755)
    print(f"SEED={options.seed}", flush=True)
    figures, clean = asyncio.run(play(directory, options))
    if clean and not options.keep:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"Logs and disks are in {directory}.")
    print(figures)
    sys.exit(0 if clean else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311 - to be told apart
    parser.add_argument("--from", dest="first", type=int, default=1, help="this round")
    parser.add_argument("--numbers", type=int, default=3)
    parser.add_argument("--judge-every", type=int, default=20, help="so many rounds")
    parser.add_argument("--minutes", type=float, default=90, help="no longer than that")
    parser.add_argument("--stop", action="store_true", help="at the first defect")
    parser.add_argument(
        "--keep", action="store_true", help="logs and disks, in any case"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
