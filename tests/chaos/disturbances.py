"""What is broken in a round, as the seed says: pure, so that a round can be had again."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

LEASE_SECONDS: Final = 10  # the shortest that the setting allows
PAST_THE_LEASE: Final = (LEASE_SECONDS + 1.0, LEASE_SECONDS + 3.0)
SHORT: Final = (0.1, 2.0)
LONG: Final = 0.12  # of what lasts
TWO_AT_ONCE: Final = 0.15  # of the rounds
AT_ITS_CONNECTOR: Final = 0.8  # the connector that runs a number, not the other one


class Place(enum.StrEnum):
    """No two disturbances of a round are at one place."""

    PROCESS = "process"
    TO_SUPABASE = "wire to Supabase"
    TO_WHATSAPP = "wire to WhatsApp"
    GATEWAY = "gateway"
    POSTGRES = "Postgres"


class Kind(enum.StrEnum):
    KILL_WORKER = "worker killed"
    KILL_SUPERVISOR = "supervisor killed"
    KILL_CONNECTOR = "connector killed"
    KILL_AND_WIPE = "connector killed, disk lost"
    STOP = "connector stopped"
    STOP_AND_WIPE = "connector stopped, disk lost"
    FREEZE_WORKER = "worker frozen"
    FREEZE_SUPERVISOR = "supervisor frozen"
    FREEZE_CONNECTOR = "connector frozen"
    CUT_SUPABASE = "cut off from Supabase"
    CUT_WHATSAPP = "cut off from WhatsApp"
    HANG_UP_SUPABASE = "connections to Supabase ended"
    HANG_UP_WHATSAPP = "connections to WhatsApp ended"
    KILL_GATEWAY = "gateway killed"
    KILL_POSTGRES = "Postgres killed"

    @property
    def place(self) -> Place:
        return _ELSEWHERE.get(self, Place.PROCESS)

    @property
    def is_of_one_number(self) -> bool:
        return self in (Kind.KILL_WORKER, Kind.FREEZE_WORKER)

    @property
    def is_of_all(self) -> bool:
        return self.place in (Place.GATEWAY, Place.POSTGRES)


_ELSEWHERE: Final[Mapping[Kind, Place]] = {
    Kind.CUT_SUPABASE: Place.TO_SUPABASE,
    Kind.HANG_UP_SUPABASE: Place.TO_SUPABASE,
    Kind.CUT_WHATSAPP: Place.TO_WHATSAPP,
    Kind.HANG_UP_WHATSAPP: Place.TO_WHATSAPP,
    Kind.KILL_GATEWAY: Place.GATEWAY,
    Kind.KILL_POSTGRES: Place.POSTGRES,
}
WEIGHTS: Final[Mapping[Kind, int]] = {
    Kind.KILL_WORKER: 10,
    Kind.KILL_SUPERVISOR: 6,
    Kind.KILL_CONNECTOR: 6,
    Kind.KILL_AND_WIPE: 2,
    Kind.STOP: 6,
    Kind.STOP_AND_WIPE: 3,
    Kind.FREEZE_WORKER: 8,
    Kind.FREEZE_SUPERVISOR: 6,
    Kind.FREEZE_CONNECTOR: 7,
    Kind.CUT_SUPABASE: 9,
    Kind.CUT_WHATSAPP: 8,
    Kind.HANG_UP_SUPABASE: 5,
    Kind.HANG_UP_WHATSAPP: 8,
    Kind.KILL_GATEWAY: 5,
    Kind.KILL_POSTGRES: 4,
}
_SILENT: Final = (Kind.FREEZE_WORKER, Kind.FREEZE_CONNECTOR, Kind.CUT_WHATSAPP)
# Over at once, or as soon as it comes back by itself.
MOMENTARY: Final = frozenset(
    {Kind.KILL_WORKER, Kind.HANG_UP_SUPABASE, Kind.HANG_UP_WHATSAPP}
)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """`at_its_connector`: the one that runs the number when it strikes."""

    kind: Kind
    number: int
    seconds: float  # until it is healed
    at_its_connector: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.seconds:.1f} s)"

    @property
    def name(self) -> str:
        is_long = self.seconds >= LEASE_SECONDS
        return f"{self.kind}, past the lease" if is_long else str(self.kind)

    @property
    def silences(self) -> bool:
        """Whether sockets stay open meanwhile over which nothing comes or goes."""
        return self.kind in _SILENT

    @property
    def where(self) -> tuple[Place, bool]:
        apart = self.at_its_connector or self.kind.is_of_all
        return self.kind.place, apart


def draw(chance: Random, numbers: int) -> list[Disturbance]:
    """One, or two at once that do not get in each other's way."""
    number = chance.randrange(numbers)
    first = _one(chance, number)
    if chance.random() >= TWO_AT_ONCE:
        return [first]
    second = _one(chance, number)
    while second.where == first.where:
        second = _one(chance, number)
    return [first, second]


def _one(chance: Random, number: int) -> Disturbance:
    [kind] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    span = PAST_THE_LEASE if chance.random() < LONG else SHORT
    seconds = 0.0 if kind in MOMENTARY else chance.uniform(*span)
    near = chance.random() < AT_ITS_CONNECTOR
    return Disturbance(kind, number, seconds, near or kind.is_of_one_number)
