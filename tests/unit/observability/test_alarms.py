"""Which figures an operator is warned of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connector.observability.alarms import Alarms, Observation

MINUTE = 60.0


def observe(
    alarms: Alarms,
    at: float,
    lag: float = 0.0,
    threads: int = 10,
    sessions: int = 1,
    **worker: int,
) -> Sequence[str]:
    return alarms.observe(
        Observation(
            at=at,
            loop_lag=lag,
            threads=threads,
            open_files=50,
            sessions=sessions,
            **worker,
        )
    )


def test_an_event_loop_a_second_late_is_told_of_once_in_ten_minutes() -> None:
    alarms = Alarms()

    told = [observe(alarms, at * MINUTE, lag=1.5) for at in range(21)]

    assert [at for at, what in enumerate(told) if what] == [0, 10, 20]
    assert told[0] == ("loop_lag",)


def test_what_came_too_soon_is_told_with_the_next() -> None:
    alarms = Alarms()
    observe(alarms, 0.0, lag=2.0)
    observe(alarms, 5 * MINUTE, lag=2.0)

    assert observe(alarms, 10 * MINUTE) == ("loop_lag",)


def test_a_loop_in_time_is_nothing_to_tell() -> None:
    alarms = Alarms()

    assert not any(observe(alarms, at * MINUTE, lag=0.9) for at in range(60))


def test_threads_that_only_ever_grow_for_an_hour_are_told_of() -> None:
    alarms = Alarms()

    told = [observe(alarms, at * MINUTE, threads=10 + at) for at in range(75)]

    assert [what for what in told if what] == [("threads",)]


@pytest.mark.parametrize(
    "threads",
    [
        lambda at: 10 + at % 30,  # up and down
        lambda at: 10 + at // 10,  # grows by a handful in an hour
        lambda at: 40 if at else 10,  # once, and never again
        lambda at: 1_000 + at,  # by little of what it is
    ],
)
def test_growth_that_ends_or_is_small_is_nothing_to_tell(threads: object) -> None:
    alarms = Alarms()
    count = threads if callable(threads) else int

    told = [observe(alarms, at * MINUTE, threads=count(at)) for at in range(75)]

    assert not any(told)


def test_more_sessions_explain_more_threads() -> None:
    alarms = Alarms()

    told = [
        observe(alarms, at * MINUTE, threads=10 + 6 * at, sessions=1 + at)
        for at in range(75)
    ]

    assert not any(told)


@pytest.mark.parametrize(
    ("counted", "about"),
    [
        ("worker_threads", "worker_threads"),
        ("worker_open_files", "worker_open_files"),
        ("worker_mb", "worker_memory"),
    ],
)
def test_one_worker_that_grows_among_hundreds_is_told_of(
    counted: str, about: str
) -> None:
    alarms = Alarms()

    told = [
        observe(alarms, at * MINUTE, threads=3_000, sessions=200, **{counted: 15 + at})
        for at in range(75)
    ]

    assert [what for what in told if what] == [(about,)]


def test_a_worker_that_is_too_large_is_told_of_at_once_and_again() -> None:
    alarms = Alarms()

    told = [observe(alarms, at * MINUTE, worker_mb=201) for at in range(11)]

    assert [at for at, what in enumerate(told) if what] == [0, 10]
    assert told[0] == ("worker_memory",)
