"""How many numbers may log in at once: few after trouble, more as logins succeed.

A machine that starts two hundred numbers at once answers none of them in time, and a
WhatsApp that has just come back is not helped by two hundred knocking together. While it
is away for everybody, a few knock now and then for all.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LEAST: Final = 2
MOST: Final = 8
LOGINS_PER_CORE: Final = 4  # each takes a fifth of a second of one, the rest is waiting
IS_AWAY: Final = 4  # failures in a row: not one number's own trouble
BETWEEN_KNOCKS: Final = timedelta(seconds=5)


class TurnOutcome(enum.Enum):
    ANSWERED = enum.auto()  # it is online, or a code is shown to be scanned
    FAILED = enum.auto()  # no answer, or none of use: trouble that others may meet
    NEITHER = enum.auto()  # nobody wants it any more, or a person has to act


@dataclass(frozen=True, slots=True)
class Ramp:
    most: int
    allowed: float = LEAST
    failures: int = 0  # in a row

    @property
    def at_once(self) -> int:
        return int(self.allowed)

    @property
    def whatsapp_is_away(self) -> bool:
        return self.failures >= IS_AWAY

    @property
    def pause(self) -> timedelta:
        """How long a place stays empty after a failure."""
        return BETWEEN_KNOCKS if self.whatsapp_is_away else timedelta(0)

    def after(self, outcome: TurnOutcome) -> Ramp:
        """One more at once for every full round that succeeded; half after a failure."""
        match outcome:
            case TurnOutcome.ANSWERED:
                allowed = min(self.allowed + 1 / self.at_once, self.most)
                return Ramp(self.most, allowed)
            case TurnOutcome.FAILED:
                allowed = max(self.allowed / 2, LEAST)
                return Ramp(self.most, allowed, self.failures + 1)
            case _:
                return self


def ramp_for(cores: int) -> Ramp:
    """What a machine with so many cores begins with."""
    return Ramp(most=min(max(cores * LOGINS_PER_CORE, LEAST), MOST))
