"""How long a lease may be trusted by the local clock, and what a new term means.

Postgres alone decides who holds a lease; local time only stops us from trusting our
own sooner. Times are seconds of one monotonic clock.
"""

from __future__ import annotations

from typing import Final

# Covers the drift of two clocks over one lease, and a pause between check and act.
MARGIN_SECONDS: Final = 3.0
# A machine that wakes finds its sockets dead and dials before it asks whether it may.
LATE_LOGINS_SECONDS: Final = 60.0


def trusted_until(
    attempt_started: float, ttl: float, margin: float = MARGIN_SECONDS
) -> float:
    """When to stop trusting a lease that was acquired or renewed.

    Counted from when the request was *sent*: Postgres granted `ttl` no earlier.
    """
    return attempt_started + ttl - margin


def is_trusted(until: float, now: float) -> bool:
    return now < until


def follows_closely(other_held_ago: float | None) -> bool:
    """Whether who held a lease before may still log in, not knowing that it is over.

    Takes the seconds since another connector held it; None: none ever did.
    """
    return other_held_ago is not None and other_held_ago < LATE_LOGINS_SECONDS


def continues(old_term: int, new_term: int) -> bool:
    """Whether nobody else can have held the lease between two terms of ours.

    The term rises by one whenever the lease is taken, so a gap means that another
    connector ran the session meanwhile and our worker's store is no longer the newest.
    """
    return new_term - old_term in (0, 1)
