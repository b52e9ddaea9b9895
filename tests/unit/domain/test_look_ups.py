"""How often WhatsApp is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.look_ups import (
    AFTER_RATE_LIMIT,
    GAP,
    LONGEST_PAUSE,
    Pace,
)
from connector.errors import LookupRefusal


def pauses(reason: LookupRefusal, times: int) -> list[timedelta]:
    pace, found = Pace(), []
    for _ in range(times):
        pace, pause = pace.after_refusal(reason)
        found.append(pause)
    return found


def test_there_is_a_gap_after_each_answer() -> None:
    assert Pace().after_answer() == (Pace(), GAP)


def test_asking_too_much_pauses_ever_longer_up_to_an_end() -> None:
    found = pauses(LookupRefusal.RATE_LIMITED, 12)

    assert found[:3] == [AFTER_RATE_LIMIT, 2 * AFTER_RATE_LIMIT, 4 * AFTER_RATE_LIMIT]
    assert found[-1] == LONGEST_PAUSE


@pytest.mark.parametrize("reason", [LookupRefusal.TIMEOUT, LookupRefusal.FAILED])
def test_silence_pauses_for_less(reason: LookupRefusal) -> None:
    assert GAP < pauses(reason, 1)[0] < AFTER_RATE_LIMIT


@pytest.mark.parametrize("reason", [LookupRefusal.NOT_FOUND, LookupRefusal.FORBIDDEN])
def test_a_refusal_that_tells_something_is_an_answer(reason: LookupRefusal) -> None:
    tired = Pace(refusals=3)

    assert tired.after_refusal(reason) == (Pace(), GAP)


def test_an_answer_ends_the_pausing() -> None:
    pace, _ = Pace().after_refusal(LookupRefusal.RATE_LIMITED)
    rested, _ = pace.after_answer()

    assert rested.after_refusal(LookupRefusal.RATE_LIMITED)[1] == AFTER_RATE_LIMIT
