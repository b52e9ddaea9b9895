"""What `make soak` calls flat."""

from __future__ import annotations

import math

import pytest

from tests.soak.slopes import Slope

HOURS = [
    number / 360 for number in range(120)
]  # twenty minutes, a look every ten seconds


def scattered(figure: float, rise_an_hour: float = 0.0) -> list[float]:
    return [
        figure + rise_an_hour * hour + math.sin(number * 7)
        for number, hour in enumerate(HOURS)
    ]


def test_a_steady_rise_is_told_an_hour_and_a_day() -> None:
    slope = Slope.of(HOURS, [90 + 3 * hour for hour in HOURS])

    assert slope.per_hour == pytest.approx(3)
    assert slope.percent_a_day == pytest.approx(80, rel=0.01)
    assert not slope.is_flat(50)
    assert slope.is_flat(100)


def test_what_rises_less_than_it_scatters_is_flat() -> None:
    assert Slope.of(HOURS, scattered(90, rise_an_hour=1)).is_flat(10)
    assert not Slope.of(HOURS, scattered(90, rise_an_hour=9)).is_flat(10)


def test_what_falls_is_flat() -> None:
    assert Slope.of(HOURS, scattered(90, rise_an_hour=-20)).is_flat(0)
