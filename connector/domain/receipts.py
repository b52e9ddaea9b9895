"""How ticks add up: a message's status only moves forward.

    pending < failed < sent < delivered < read < played

Receipts arrive late, twice and out of order. `failed` ranks below `sent`: when WhatsApp
says later that a message did arrive, that is the truth.
"""

from __future__ import annotations

from typing import Final

from connector.domain.messages import Status

_RANKS: Final = {
    status: rank
    for rank, status in enumerate(
        (
            Status.PENDING,
            Status.FAILED,
            Status.SENT,
            Status.DELIVERED,
            Status.READ,
            Status.PLAYED,
        )
    )
}


def furthest(known: Status, reported: Status) -> Status:
    """Merge what is known with what a receipt reports."""
    return max(known, reported, key=_RANKS.__getitem__)
