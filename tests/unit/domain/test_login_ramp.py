"""How many numbers may log in at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.login_ramp import (
    IS_AWAY,
    LEAST,
    MOST,
    Ramp,
    TurnOutcome,
    ramp_for,
)

OUTCOMES = st.lists(st.sampled_from(TurnOutcome), max_size=60)


@pytest.mark.parametrize(("cores", "most"), [(0, 2), (1, 4), (2, 8), (64, 8)])
def test_a_machine_may_do_what_its_cores_can(cores: int, most: int) -> None:
    assert ramp_for(cores) == Ramp(most)
    assert ramp_for(cores).at_once == LEAST


def test_it_rises_by_one_for_every_round_that_succeeds() -> None:
    ramp, seen = Ramp(MOST), []
    for _ in range(40):
        seen.append(ramp.at_once)
        ramp = ramp.after(TurnOutcome.ANSWERED)

    assert [seen.count(at_once) for at_once in range(2, 8)] == [2, 3, 4, 5, 6, 7]
    assert seen[-1] == MOST


def test_two_failures_take_it_back_to_where_it_began() -> None:
    ramp = Ramp(MOST, MOST)

    assert ramp.after(TurnOutcome.FAILED).at_once == 4
    assert ramp.after(TurnOutcome.FAILED).after(TurnOutcome.FAILED).at_once == LEAST
    assert ramp.after(TurnOutcome.NEITHER) == ramp


def test_whatsapp_is_away_after_a_few_failures_in_a_row_until_it_answers() -> None:
    ramp = ramp_for(2)
    for _ in range(IS_AWAY - 1):
        ramp = ramp.after(TurnOutcome.FAILED).after(TurnOutcome.NEITHER)
        assert ramp.pause == timedelta(0)
    away = ramp.after(TurnOutcome.FAILED)

    assert away.whatsapp_is_away
    assert away.pause == timedelta(seconds=5)
    assert not away.after(TurnOutcome.ANSWERED).whatsapp_is_away


@settings(max_examples=30)
@given(OUTCOMES, st.integers(1, 64))
def test_it_never_leaves_its_bounds(outcomes: list[TurnOutcome], cores: int) -> None:
    ramp = ramp_for(cores)
    for outcome in outcomes:
        ramp = ramp.after(outcome)
        assert LEAST <= ramp.at_once <= ramp.most <= MOST
