"""Round after round; the last line printed is one JSON object. Exit code 1: a defect."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.acceptance.world import World
from tests.crashes.rounds import Outcome, Round
from tests.crashes.talk import Company
from tests.crashes.victims import Victim

# neonize queues up to 100: a recorder that cannot keep up would lose many more.
MOST_LOST_PER_KILL: Final = 20


async def play(directory: Path, options: argparse.Namespace) -> list[Outcome]:
    """On one stack, with one linked number."""
    outcomes = []
    async with World.begin(directory) as world:
        linked = await world.linked()
        # Nobody watches: what Realtime tells a subscriber is measured elsewhere.
        await linked.app.client.realtime.close()
        company = Company.of(linked)
        for number in range(1, options.rounds + 1):
            chance = random.Random(f"{options.seed}/{number}")  # noqa: S311 - seeded on purpose
            game = Round(linked, company, chance, options.messages)
            outcome = await game.play()
            print(told(number, outcome), flush=True)
            outcomes.append(outcome)
            if options.stop and not outcome.is_clean:
                print(f"Stopped as it is, in {directory}. Ctrl-C ends it.", flush=True)
                await asyncio.Event().wait()
    return outcomes


def told(number: int, outcome: Outcome) -> str:
    kills = " ".join(
        f"{blow.victim}@{blow.position}({len(blow.spooled)})" for blow in outcome.blows
    )
    lost = ", ".join(f"{victim} {n}" for victim, n in outcome.lost.items()) or "none"
    line = (
        f"round {number:2}: {outcome.said} said in {outcome.seconds:.1f} s; "
        f"killed {kills}; lost before the spool: {lost}"
    )
    return line if outcome.is_clean else f"{line}\n  DEFECT: {_defects(outcome)}"


def _defects(outcome: Outcome) -> dict[str, object]:
    found = outcome.findings
    counts: dict[str, object] = {
        "twice": len(found.twice),
        "out_of_order": len(found.disordered),
        "wrong": len(found.wrong),
        "spooled_but_missing": len(outcome.dropped),
        "missing_unexplained": len(outcome.unexplained),
        "dead_letters": outcome.dead_letters,
    }
    examples = [*outcome.dropped, *outcome.unexplained][:5]
    shown: dict[str, object] = {"examples": [str(one) for one in examples]}
    return counts | shown


def summary(
    outcomes: Sequence[Outcome], seed: str, seconds: float
) -> dict[str, object]:
    lost: Counter[Victim] = sum((one.lost for one in outcomes), Counter())
    per_kill = {
        victim.value: sorted(one.lost[victim] for one in outcomes) for victim in Victim
    }
    return {
        "seed": seed,
        "rounds": len(outcomes),
        "kills": sum(len(one.blows) for one in outcomes),
        "said": sum(one.said for one in outcomes),
        "twice": sum(len(one.findings.twice) for one in outcomes),
        "out_of_order": sum(len(one.findings.disordered) for one in outcomes),
        "wrong": sum(len(one.findings.wrong) for one in outcomes),
        "spooled_but_missing": sum(len(one.dropped) for one in outcomes),
        "missing_unexplained": sum(len(one.unexplained) for one in outcomes),
        "dead_letters": sum(one.dead_letters for one in outcomes),
        "lost_before_the_spool": {v.value: n for v, n in lost.items()},
        "lost_at_worst_per_kill": {name: each[-1] for name, each in per_kill.items()},
        "kills_without_loss": {name: each.count(0) for name, each in per_kill.items()},
        "seconds": round(seconds),
    }


def main() -> None:
    options = _options()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zapbase-crashes-") as directory:
        # Postgres may run as another user than root; it must reach its folder.
        Path(directory).chmod(0o755)
        outcomes = asyncio.run(play(Path(directory), options))
    result = summary(outcomes, options.seed, time.monotonic() - started)
    print(json.dumps(result))
    worst = max(max(one.lost.values(), default=0) for one in outcomes)
    clean = all(one.is_clean for one in outcomes) and worst <= MOST_LOST_PER_KILL
    sys.exit(0 if clean else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crashes")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--messages", type=int, default=5_000, help="in each round")
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311 - to be told apart
    parser.add_argument("--stop", action="store_true", help="at the first defect")
    return parser.parse_args()


if __name__ == "__main__":
    main()
