"""Kill after kill, each at a step of a send; the last line is one JSON object. Exit 1: a defect."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.crashes.sends.matrix import Matrix
from tests.crashes.sends.report import summary, told


async def play(directory: Path, options: argparse.Namespace) -> Matrix:
    async with Matrix.set_up(directory, options.seed) as matrix:
        for number in range(1, options.rounds + 1):
            outcome = await matrix.round()
            print(told(number, outcome), flush=True)
            if options.stop and not outcome.is_clean:
                print(f"Stopped as it is, in {directory}. Ctrl-C ends it.", flush=True)
                await asyncio.Event().wait()
        await matrix.judge_everything_again()
    return matrix


def main() -> None:
    options = _options()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zapbase-crashes-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        matrix = asyncio.run(play(Path(directory), options))
    print(json.dumps(summary(matrix, options.seed, time.monotonic() - started)))
    sys.exit(0 if matrix.is_clean else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make send-crashes")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311 - to be told apart
    parser.add_argument("--stop", action="store_true", help="at the first defect")
    return parser.parse_args()


if __name__ == "__main__":
    main()
