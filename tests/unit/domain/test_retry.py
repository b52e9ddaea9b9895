from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.domain.retry import (
    LONGEST,
    SLOW_PROBE,
    back_off,
    is_worth_saying,
    slow_probe,
)

chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(failures=st.integers(), chance=chances)
def test_no_wait_is_negative_or_longer_than_five_minutes(
    failures: int, chance: float
) -> None:
    assert timedelta(0) <= back_off(failures, chance) <= LONGEST


@given(failures=st.integers(min_value=1, max_value=10_000), chance=chances)
def test_waits_never_shrink_with_more_failures(failures: int, chance: float) -> None:
    assert back_off(failures, chance) <= back_off(failures + 1, chance)


def test_the_ceiling_doubles_from_two_seconds() -> None:
    ceilings = [back_off(failures, 1).total_seconds() for failures in range(1, 10)]

    assert ceilings == [2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_jitter_is_full() -> None:
    assert back_off(5, 0.0) == timedelta(0)
    assert back_off(5, 0.5) == timedelta(seconds=16)


def test_a_slow_probe_waits_fifteen_to_thirty_minutes() -> None:
    assert slow_probe(0.0) == SLOW_PROBE
    assert slow_probe(1.0) == 2 * SLOW_PROBE


def test_a_day_of_failures_is_eight_lines() -> None:
    said = [failures for failures in range(1, 20_000) if is_worth_saying(failures)]

    assert said[:4] == [1, 4, 16, 64]
    assert len(said) == 8
