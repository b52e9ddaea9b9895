"""The matrix in words and in one JSON object."""

from __future__ import annotations

from collections import Counter

from tests.crashes.sends.judging import Outcome
from tests.crashes.sends.matrix import Matrix
from tests.crashes.sends.steps import Step


def told(number: int, outcome: Outcome) -> str:
    line = (
        f"round {number:3}: {outcome.victim} killed when {outcome.step}, "
        f"was {outcome.target}: {outcome.sent} rows, "
        f"{outcome.in_doubt.total()} in doubt, "
        f"{outcome.uploads} uploads, {outcome.seconds:.1f} s"
        f"{', phones silent' if outcome.silent else ''}"
    )
    return line if outcome.is_clean else f"{line}\n  DEFECT: {outcome}"


def summary(matrix: Matrix, seed: str, seconds: float) -> dict[str, object]:
    outcomes = matrix.outcomes
    rows = [moment for one in outcomes for moment in one.moments.elements()]
    return {
        "seed": seed,
        "rounds": len(outcomes),
        "rows": sum(one.sent for one in outcomes),
        "sent_twice": sum(len(one.twice) for one in outcomes),
        "said_sent_but_not_heard": sum(len(one.unsent) for one in outcomes),
        "failed": sum(len(one.failed) for one in outcomes),
        "out_of_order": sum(len(one.disordered) for one in outcomes),
        "recorded_as_another": sum(len(one.mistaken) for one in outcomes),
        "uncertain_without_reason": sum(len(one.doubted) for one in outcomes),
        "uncertain_for_lost_receipts": sum(one.receipts_lost for one in outcomes),
        "found_only_at_the_end": matrix.later,
        "rows_when_killed": dict(Counter(str(moment) for moment in rows)),
        "watched_row_when_killed_at": {
            str(step): _targets(outcomes, step) for step in Step
        },
        "in_doubt_when_killed_at": _in_doubt(outcomes),
        "seconds": round(seconds),
    }


def _targets(outcomes: list[Outcome], step: Step) -> dict[str, int]:
    found = Counter(str(one.target) for one in outcomes if one.step is step)
    return dict(found.most_common())


def _in_doubt(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """By victim and silence, and by how far the rows had come."""
    found: dict[str, Counter[str]] = {}
    for one in outcomes:
        name = f"{one.victim}{', phones silent' if one.silent else ''}"
        for moment, count in one.in_doubt.items():
            found.setdefault(name, Counter())[str(moment)] += count
    return {name: dict(counts) for name, counts in found.items()}
