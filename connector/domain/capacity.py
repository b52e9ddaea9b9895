"""For how many numbers a machine has room.

Memory decides: each number is a process of its own, and what the kernel ends for want of
memory is one of them, or all.
"""

from __future__ import annotations

from typing import Final

_MEGABYTE: Final = 1024 * 1024
OURS: Final = 120 * _MEGABYTE  # the supervisor, the zygote, and a little air
EACH: Final = 30 * _MEGABYTE  # a number that is busy; a quiet one takes 20
MOST: Final = 1000
# Where no system says how much memory there is.
UNTOLD: Final = 50


def room_for_numbers(memory: int | None) -> int:
    """Take the bytes that all our processes may have together; None: nobody says."""
    if memory is None:
        return UNTOLD
    return max(1, min((memory - OURS) // EACH, MOST))
