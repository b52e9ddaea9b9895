"""Which of the rows in hand may go next: a chat keeps its order, chats do not wait for
one another.

    preparing -> ready -> leaving -> (its result)
                   +----> acting  -> (its result, or ready again)
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# The worker sends them one after the other: the second hides the way of the first's answer.
MOST_LEAVING: Final = 2


class Stage(enum.Enum):
    PREPARING = enum.auto()  # its file, its preview or its recipient are not there yet
    READY = enum.auto()
    ACTING = enum.auto()  # typing is shown, or messages are marked as read
    LEAVING = enum.auto()  # with the worker, which sends in the order it was told


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the lane."""

    chat: str
    stage: Stage
    alone: bool = False  # acts on its chat in its own time: what was before it is over


def next_to_go(lane: Sequence[Place], most_leaving: int = MOST_LEAVING) -> int | None:
    """The place of the row that goes next; None while everything has to wait."""
    leaving = sum(place.stage is Stage.LEAVING for place in lane)
    held: set[str] = set()  # chats in which somebody is still to go
    busy: set[str] = set()  # chats in which a message is leaving
    for at, place in enumerate(lane):
        if place.stage is Stage.LEAVING:
            busy.add(place.chat)
            continue
        may_go = place.chat not in busy if place.alone else leaving < most_leaving
        if place.stage is Stage.READY and place.chat not in held and may_go:
            return at
        held.add(place.chat)
    return None
