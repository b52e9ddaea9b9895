"""Everything killed in turn while people talk: `make crashes` in small, always the same."""

from __future__ import annotations

from random import Random

from tests.acceptance.world import World
from tests.crashes.rounds import Outcome, Round
from tests.crashes.talk import Company

UTTERANCES = 250
# A kill per round of the worker, and one of all processes. A rule takes one or two
# messages each, a busy machine more (docs/decisions/0006).
MOST_IN_FLIGHT = 120


async def test_whoever_is_killed_what_was_spooled_is_there_once_and_in_order(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    company = Company.of(linked)

    outcomes = [
        await Round(linked, company, Random(seed), UTTERANCES).play()  # noqa: S311 - the same every time
        for seed in ("first", "second")
    ]

    assert [each.said for each in outcomes] == [UTTERANCES, UTTERANCES]
    for outcome in outcomes:
        _assert_only_the_window_was_lost(outcome)


def _assert_only_the_window_was_lost(outcome: Outcome) -> None:
    assert outcome.findings.twice == []
    assert outcome.findings.disordered == []
    assert outcome.findings.wrong == []
    assert outcome.dropped == []
    assert outcome.unexplained == []
    assert outcome.dead_letters == 0
    assert outcome.lost.total() <= MOST_IN_FLIGHT
