from __future__ import annotations

from random import Random

from tests.chaos.disturbances import LEASE_SECONDS, WEIGHTS, Kind, draw


def _chance(*of: object) -> Random:
    return Random("/".join(map(str, of)))  # noqa: S311 - seeded on purpose


def _drawn(seed: str, rounds: int) -> list[list[str]]:
    return [
        [f"{one} {one.number} {one.at_its_connector}" for one in draw(chance, 3)]
        for number in range(rounds)
        for chance in (_chance(seed, number),)
    ]


def test_the_same_seed_breaks_the_same() -> None:
    assert _drawn("a", 50) == _drawn("a", 50)
    assert _drawn("a", 50) != _drawn("b", 50)


def test_everything_is_broken_sooner_or_later_and_some_past_the_lease() -> None:
    drawn = [one for n in range(500) for one in draw(_chance(n), 3)]

    assert {one.kind for one in drawn} == set(Kind) == set(WEIGHTS)
    assert {one.number for one in drawn} == {0, 1, 2}
    lasting = [one for one in drawn if one.seconds > LEASE_SECONDS]
    assert 0 < len(lasting) < len(drawn) // 4


def test_what_is_broken_at_once_is_at_two_places() -> None:
    pairs = [both for n in range(500) if len(both := draw(_chance(n), 3)) > 1]

    assert pairs
    assert all(one.where != other.where for one, other in pairs)
