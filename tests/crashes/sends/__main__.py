"""Kill after kill, each at a step of a send; the last line is one JSON object. Exit 1: a defect."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.world import World
from tests.crashes.sends.rounds import VICTIMS, Company, Outcome, Round
from tests.crashes.sends.steps import Step


async def play(directory: Path, options: argparse.Namespace) -> list[Outcome]:
    """On one stack, with one linked number; each step and victim in turn."""
    outcomes = []
    matrix = itertools.cycle(itertools.product(Step, VICTIMS))
    async with (
        World.begin(directory, WA_POLL_SECONDS="1") as world,
        world.database() as database,
    ):
        linked = await world.linked()
        await linked.app.client.realtime.close()
        company = Company.of(linked)
        for number, (step, victim) in zip(
            range(1, options.rounds + 1), matrix, strict=False
        ):
            chance = random.Random(f"{options.seed}/{number}")  # noqa: S311 - seeded on purpose
            game = Round(linked, company, chance, database, step, victim)
            outcome = await game.play()
            print(told(number, outcome), flush=True)
            outcomes.append(outcome)
            if options.stop and not outcome.is_clean:
                print(f"Stopped as it is, in {directory}. Ctrl-C ends it.", flush=True)
                await asyncio.Event().wait()
    return outcomes


def told(number: int, outcome: Outcome) -> str:
    line = (
        f"round {number:3}: {outcome.victim} killed when {outcome.step}: "
        f"{outcome.sent} rows, {outcome.in_doubt} in doubt, "
        f"{outcome.uploads} uploads, {outcome.seconds:.1f} s"
        f"{', phones silent' if outcome.silent else ''}"
    )
    return line if outcome.is_clean else f"{line}\n  DEFECT: {outcome}"


def summary(
    outcomes: Sequence[Outcome], seed: str, seconds: float
) -> dict[str, object]:
    in_doubt = Counter[str]()
    for one in outcomes:
        in_doubt[f"{one.step}{', phones silent' if one.silent else ''}"] += one.in_doubt
    return {
        "seed": seed,
        "rounds": len(outcomes),
        "rows": sum(one.sent for one in outcomes),
        "sent_twice": sum(len(one.twice) for one in outcomes),
        "said_sent_but_not_heard": sum(len(one.unsent) for one in outcomes),
        "failed": sum(len(one.failed) for one in outcomes),
        "out_of_order": sum(len(one.disordered) for one in outcomes),
        "uncertain_without_reason": sum(len(one.doubted) for one in outcomes),
        "uncertain_for_lost_receipts": sum(one.receipts_lost for one in outcomes),
        "in_doubt_when_killed_at": {step: n for step, n in in_doubt.items() if n},
        "seconds": round(seconds),
    }


def main() -> None:
    options = _options()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zapbase-crashes-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        outcomes = asyncio.run(play(Path(directory), options))
    print(json.dumps(summary(outcomes, options.seed, time.monotonic() - started)))
    sys.exit(0 if all(one.is_clean for one in outcomes) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make send-crashes")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311 - to be told apart
    parser.add_argument("--stop", action="store_true", help="at the first defect")
    return parser.parse_args()


if __name__ == "__main__":
    main()
