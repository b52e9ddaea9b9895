"""What a round shows: heard once or not, in order or not, in doubt with reason or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from devstack.app import Row
from devstack.whatsapp import Person
from tests.crashes.sends.letters import Letter
from tests.crashes.sends.marks import mark_of
from tests.crashes.sends.moments import SAID_SENT, Moment
from tests.crashes.sends.steps import Step
from tests.crashes.sends.victims import Victim

# After these nobody can know whether it left, and no receipt need come.
_DOUBTFUL: Final = {Moment.BEGUN, Moment.LEFT}


@dataclass(slots=True)
class Outcome:
    step: Step
    victim: Victim
    silent: bool
    sent: int
    seconds: float
    uploads: int
    target: Moment  # how far the row had come that was watched
    moments: Counter[Moment]  # and each one of the round
    twice: list[str] = field(default_factory=list)  # heard more than once
    unsent: list[str] = field(default_factory=list)  # said to be sent, never heard
    failed: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)  # uncertain without a reason
    mistaken: list[str] = field(default_factory=list)  # recorded as another message
    in_doubt: Counter[Moment] = field(default_factory=Counter)  # left to a person
    receipts_lost: int = 0  # of these: heard, and neonize held the receipt when it died

    @property
    def is_clean(self) -> bool:
        return not any(
            (
                self.twice,
                self.unsent,
                self.failed,
                self.disordered,
                self.doubted,
                self.mistaken,
            )
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a round once all its rows are settled."""

    letters: Sequence[Letter]
    rows: Mapping[str, Row]
    moments: Mapping[str, Moment]
    undelivered: Container[
        str
    ]  # receipts that WhatsApp still had for the client, by id
    owner: Person


def judge(outcome: Outcome, evidence: Evidence) -> None:
    for letter in evidence.letters:
        _judge_letter(outcome, evidence, letter)
    _judge_order(outcome, evidence)


def _judge_letter(outcome: Outcome, evidence: Evidence, letter: Letter) -> None:
    row, moment = evidence.rows[letter.id], evidence.moments[letter.id]
    state = row["state"]
    heard = _heard(letter, evidence.owner)
    ids = {message_id for found in heard.values() for message_id in found}
    note = (
        f"{letter.kind} {letter.id} {moment} {state} {row['error_code']} heard {heard}"
    )
    if any(len(found) > 1 for found in heard.values()):
        outcome.twice.append(note)
    if state in SAID_SENT:
        if len(heard) < len(letter.hearers(evidence.owner)):
            outcome.unsent.append(note)
        # With its ids lost, a row is settled by a receipt that may be its neighbour's.
        if outcome.victim is not Victim.DISK and ids != {row["whatsapp_id"]}:
            outcome.mistaken.append(f"{note}, not as {row['whatsapp_id']}")
        if row["status"] in ("pending", "failed"):
            outcome.mistaken.append(f"{note}, shown as {row['status']}")
    elif state == "uncertain":
        outcome.in_doubt[moment] += 1
        if not _may_be_in_doubt(outcome, evidence, row, moment, heard):
            outcome.doubted.append(note)
        elif heard and not outcome.silent:
            outcome.receipts_lost += 1
    else:
        outcome.failed.append(note)


def _may_be_in_doubt(
    outcome: Outcome,
    evidence: Evidence,
    row: Row,
    moment: Moment,
    heard: Mapping[str, Sequence[str]],
) -> bool:
    if outcome.victim is Victim.DISK:
        # The store that would tell is lost. What was not claimed is none the worse.
        return moment in {*_DOUBTFUL, Moment.CLAIMED}
    # A worker outlives its supervisor for a moment, and may begin what it was handed.
    begun_since = outcome.victim is Victim.SUPERVISOR and row["whatsapp_id"]
    if moment not in _DOUBTFUL and not begun_since:
        return False
    if not heard or outcome.silent:
        return True
    # Its receipt was lost with the memory of the process that had confirmed it.
    return (
        outcome.victim is not Victim.SUPERVISOR
        and row["whatsapp_id"] not in evidence.undelivered
    )


def _judge_order(outcome: Outcome, evidence: Evidence) -> None:
    letters, owner = evidence.letters, evidence.owner
    for person in {one for letter in letters for one in letter.hearers(owner)}:
        for chat in {letter.chat for letter in letters}:
            wanted = [letter.mark for letter in letters if letter.chat is chat]
            heard = [mark_of(one) for one in person.heard if mark_of(one) in wanted]
            if heard != [mark for mark in wanted if mark in heard]:
                outcome.disordered.append(f"{person.name} heard {heard} of {wanted}")


def _heard(letter: Letter, owner: Person) -> dict[str, list[str]]:
    """Message ids, by who heard them."""
    found = {
        person.name: [
            one.whatsapp_id for one in person.heard if mark_of(one) == letter.mark
        ]
        for person in letter.hearers(owner)
    }
    return {name: ids for name, ids in found.items() if ids}


def strangers(
    people: Collection[Person], owner: Person, letters: Sequence[Letter]
) -> list[str]:
    """What anybody heard of the owner that is none of these letters."""
    known = {letter.mark for letter in letters}
    return [
        f"{person.name} heard {one.whatsapp_id}"
        for person in people
        for one in person.heard_from(owner)
        if mark_of(one) not in known
    ]
