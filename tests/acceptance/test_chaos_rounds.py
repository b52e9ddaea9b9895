"""Two connectors, and everything broken under traffic: `make chaos` in small, always the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.disturbances import Disturbance, Kind
from tests.chaos.rounds import Chaos

SEED = "short"
PLAN = (
    (Disturbance(Kind.CUT_WHATSAPP, 0, 0.5, at_its_connector=True),),
    (
        Disturbance(Kind.KILL_WORKER, 0, 0.0, at_its_connector=True),
        Disturbance(Kind.KILL_GATEWAY, 0, 0.3, at_its_connector=True),
    ),
    (Disturbance(Kind.HANG_UP_WHATSAPP, 1, 0.0, at_its_connector=True),),
    (
        Disturbance(Kind.FREEZE_CONNECTOR, 1, 0.7, at_its_connector=True),
        Disturbance(Kind.KILL_POSTGRES, 1, 0.2, at_its_connector=True),
    ),
    (Disturbance(Kind.STOP_AND_WIPE, 0, 0.0, at_its_connector=True),),
    (Disturbance(Kind.KILL_CONNECTOR, 0, 0.0, at_its_connector=True),),
)


@pytest.mark.timeout(240)
async def test_whatever_breaks_nothing_is_sent_twice_or_lost_and_nobody_has_two_owners(
    tmp_path: Path,
) -> None:
    async with Chaos.set_up(tmp_path, SEED, numbers=2, plan=PLAN) as chaos:
        verdict = await chaos.epoch(1, len(PLAN))
        again = await chaos.judge.look_at_everything_again()

    assert verdict.defects() == {}
    assert not any(again.defects().values())
    # It was no empty evening.
    assert verdict.sent.rows > 5
    assert verdict.received.said > 5
    assert [blow.kind for blow in verdict.blows] == [
        each.kind for together in PLAN for each in together
    ]
