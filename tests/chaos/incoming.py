"""What became of what people said: stored once and in order, or lost where it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.crashes.evidence import Receipts
from tests.crashes.oracle import Stored, compare
from tests.crashes.rounds import WINDOW
from tests.crashes.talk import Utterance

if TYPE_CHECKING:
    from tests.chaos.blows import Blow

ON_A_LOST_DISK: Final = "on a disk that was lost"


@dataclass(slots=True)
class Received:
    """`in_the_window` and `within_a_second` have an excuse; everything else has none."""

    said: int = 0
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)  # though it was spooled
    unexplained: list[str] = field(default_factory=list)
    within_a_second: list[str] = field(default_factory=list)
    in_the_window: Counter[str] = field(default_factory=Counter)  # by disturbance

    def defects(self) -> dict[str, list[str]]:
        names = ("twice", "wrong", "disordered", "dropped", "unexplained")
        return {f"said, {name}": getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Hall:
    """What a number was told. `lost_disks`: message ids that only those spools hold."""

    session_id: str
    said: Sequence[Utterance]
    stored: Stored
    receipts: Receipts
    blows: Sequence[Blow]
    lost_disks: Collection[str]


def judge(received: Received, hall: Hall) -> None:
    found = compare(hall.said, hall.stored)
    received.said += len(hall.said)
    received.twice += found.twice
    rows = {row["whatsapp_id"]: dict(row) for row in hall.stored.messages}
    unreadable = {one for one in found.wrong if rows[one]["body"] is None}
    received.wrong += [
        f"{rows[one]}; receipts {hall.receipts.history_of(one)}"
        for one in found.wrong
        if one not in unreadable
    ]
    _judge_order(received, hall)
    # A placeholder lacks what came for its retry receipt, as a missing row does.
    lacking = [one for one in hall.said if one.id in unreadable]
    for one in (*found.missing, *lacking):
        _explain(received, hall, one)


def _judge_order(received: Received, hall: Hall) -> None:
    """By the server's time, as apps show it; within a second, as it was stored."""
    place = {one.id: number for number, one in enumerate(hall.said)}
    newest: dict[object, Mapping[str, object]] = {}
    rows = sorted(hall.stored.messages, key=lambda row: (row["sent_at"], row["seq"]))
    for row in rows:
        former = newest.get(row["chat"])
        if former is not None:
            at, before = place[row["whatsapp_id"]], place[str(former["whatsapp_id"])]
            if at < before:
                same = row["sent_at"] == former["sent_at"]
                note = f"{dict(row)} after {dict(former)}"
                taken_over = same and _two_terms(hall, row, former)
                kept = received.within_a_second if taken_over else received.disordered
                kept.append(note)
                continue
        newest[row["chat"]] = row


def _two_terms(
    hall: Hall, one: Mapping[str, object], other: Mapping[str, object]
) -> bool:
    """Whether two connectors received them: each stores what it has when it can."""
    callers = {hall.receipts.caller_of(str(row["whatsapp_id"])) for row in (one, other)}
    return len(callers) > 1


def _explain(received: Received, hall: Hall, one: Utterance) -> None:
    spooled = any(one.id in held.spooled for blow in hall.blows for held in blow.held)
    note = f"{one}; receipts {hall.receipts.history_of(one.id)}"
    if one.id in hall.lost_disks:
        received.in_the_window[ON_A_LOST_DISK] += 1
    elif spooled:
        received.dropped.append(note)
    elif cause := _cause(hall, one):
        received.in_the_window[cause] += 1
    else:
        received.unexplained.append(note)


def _cause(hall: Hall, one: Utterance) -> str | None:
    """The process that may have died with it: its receipt is close to that."""
    at = hall.receipts.of(one.id)
    if at is None:
        return None
    near = [
        (abs(held.end - at), blow.disturbance.name)
        for blow in hall.blows
        for held in blow.held
        if held.session_id == hall.session_id
        and held.end is not None
        and abs(held.end - at) <= WINDOW
    ]
    return min(near)[-1] if near else None
