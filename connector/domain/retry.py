"""How long to wait before trying again.

Exponential with full jitter: connectors that failed together do not come back together.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

FIRST_CEILING: Final = timedelta(seconds=2)
LONGEST: Final = timedelta(minutes=5)
# Supabase is our own: it is asked often, so that a queue drains soon after it is back.
LONGEST_FOR_SUPABASE: Final = timedelta(seconds=10)
SLOW_PROBE: Final = timedelta(minutes=15)
# 2 s doubled eight times is past LONGEST; more would only overflow timedelta one day.
MOST_DOUBLINGS: Final = 8


def back_off(failures: int, chance: float, longest: timedelta = LONGEST) -> timedelta:
    """Wait this long after `failures` (1, 2, …) in a row; `chance` is in [0, 1)."""
    doublings = min(max(failures - 1, 0), MOST_DOUBLINGS)
    return min(FIRST_CEILING * (1 << doublings), longest) * chance


def is_worth_saying(failures: int) -> bool:
    """Whether to log this failure (1, 2, …) in a row: the first, fourth, sixteenth, ….

    An outage is long, a disk is not; and many begin with three failures within a second.
    """
    return failures.bit_count() == 1 and failures.bit_length() % 2 == 1


def ever_later(
    first: timedelta, attempts: int, chance: float, longest: timedelta
) -> timedelta:
    """Wait four times longer with each attempt (1, 2, …), and never less than half."""
    ceiling = min(first * (1 << 2 * min(max(attempts - 1, 0), MOST_DOUBLINGS)), longest)
    return ceiling * (0.5 + chance / 2)


def slow_probe(chance: float) -> timedelta:
    """Look again in 15 to 30 minutes: only a person or WhatsApp can change anything."""
    return SLOW_PROBE * (1 + chance)
