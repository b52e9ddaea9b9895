"""Killed at each step of a send: `make send-crashes` in small, always the same."""

from __future__ import annotations

from pathlib import Path

from tests.crashes.sends.matrix import Matrix
from tests.crashes.sends.steps import Step
from tests.crashes.sends.victims import Victim

SEED = "short"
PLAN = (
    (Step.CLAIMED, Victim.SUPERVISOR),
    (Step.UPLOADED, Victim.WORKER),
    (Step.KEPT, Victim.CONNECTOR),
    (Step.BEGUN, Victim.WORKER),
    (Step.LEFT, Victim.CONNECTOR),
    (Step.UNCONFIRMED, Victim.WORKER),
    (Step.RECORDED, Victim.SUPERVISOR),
    (Step.LEFT, Victim.DISK),
)


async def test_whoever_is_killed_at_whatever_step_nobody_hears_anything_twice(
    tmp_path: Path,
) -> None:
    async with Matrix.set_up(tmp_path, SEED, PLAN) as matrix:
        outcomes = [await matrix.round() for _ in PLAN]
        await matrix.judge_everything_again()

    assert [(one.step, one.victim) for one in outcomes] == list(PLAN)
    for outcome in outcomes:
        assert outcome.is_clean, str(outcome)
    assert matrix.later == []
