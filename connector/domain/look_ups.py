"""What WhatsApp answers when asked about people and groups, and how often to ask.

Whoever asks much is refused, and in the end restricted: one question at a time, a pause
after each, and a long one after a refusal for asking too much.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from connector.domain.chats import ChatUpdate, Roster
from connector.domain.messages import Person
from connector.errors import LookupRefusal

GAP: Final = timedelta(seconds=1)
AFTER_SILENCE: Final = timedelta(seconds=30)
AFTER_RATE_LIMIT: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(hours=6)
MOST_DOUBLINGS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAnswer:
    """A group as WhatsApp describes it at this moment."""

    update: ChatUpdate
    roster: Roster


class PictureState(enum.StrEnum):
    SHOWN = "shown"
    UNCHANGED = "unchanged"
    NONE = "none"
    HIDDEN = "hidden"  # from us


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureAnswer:
    """Somebody's profile picture, or a group's; `url` answers for a while only."""

    state: PictureState
    picture_id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAnswer:
    """Whom a number belongs to: WhatsApp may write it in another way."""

    asked: str  # digits
    person: Person | None  # None: not on WhatsApp
    business_name: str | None = None  # as WhatsApp has verified it


@dataclass(frozen=True, slots=True)
class Pace:
    """How many refusals in a row there were, and so how long to wait."""

    refusals: int = 0

    def after_answer(self) -> tuple[Pace, timedelta]:
        return Pace(), GAP

    def after_refusal(self, reason: LookupRefusal) -> tuple[Pace, timedelta]:
        """Wait long when it was for asking too much, or when nobody answers at all."""
        match reason:
            case LookupRefusal.RATE_LIMITED:
                longest_yet = AFTER_RATE_LIMIT * (
                    1 << min(self.refusals, MOST_DOUBLINGS)
                )
            case LookupRefusal.TIMEOUT | LookupRefusal.FAILED:
                longest_yet = AFTER_SILENCE * (1 << min(self.refusals, MOST_DOUBLINGS))
            case _:
                return self.after_answer()  # it was an answer all the same
        slower = replace(self, refusals=self.refusals + 1)
        return slower, min(longest_yet, LONGEST_PAUSE)
