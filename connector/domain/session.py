"""One session as its runner remembers it between two events."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain import situations
from connector.domain.pairing import Pairing
from connector.domain.states import Situation


class Wish(enum.Enum):
    """What the user wants."""

    CONNECTED = enum.auto()
    DISCONNECTED = enum.auto()
    LOGGED_OUT = enum.auto()


class Phase(enum.Enum):
    """What the worker is at; there is none at REST and while WAITING."""

    REST = enum.auto()
    WAITING = enum.auto()  # for its turn to log in; there is no worker yet, either
    STARTING = enum.auto()  # launched or logging in: an answer is due
    PAIRING = enum.auto()  # a QR or pairing code is shown
    ONLINE = enum.auto()
    OFFLINE = enum.auto()  # was online; neonize redials by itself


class Timer(enum.StrEnum):
    """Starting a running timer starts it anew."""

    RETRY = "retry"  # launch again
    ANSWER = "answer"  # a launched worker must show a QR or log in
    PAIRING_END = "pairing_end"  # the pairing attempt is over, even if nobody said so
    COMEBACK = "comeback"  # how long neonize may redial by itself
    SYNC = "sync"  # how long to wait for the end of the offline sync
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    wish: Wish = Wish.DISCONNECTED
    revision: int = -1  # of the wish; a higher one asks again
    pairing_phone: str | None = None
    phase: Phase = Phase.REST
    situation: Situation = situations.DISCONNECTED
    pairing: Pairing = field(default_factory=Pairing)
    failures: int = 0  # in a row
    crashes: int = 0  # of the process, in a row
    retry_at: datetime | None = None  # set while RETRY is pending at REST
    banned_until: datetime | None = None
    unreadable_since: datetime | None = None  # while STATE_UNREADABLE is shown
    contests: int = 0  # logins that whoever had the number before took back
    synced: bool = False  # the offline sync of this login has ended


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event is handled, and a random number in [0, 1) for jitter."""

    now: datetime
    chance: float
