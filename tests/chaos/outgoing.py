"""What became of the app's rows: heard once, in order, and told truly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncpg

from devstack.whatsapp import Person
from tests.chaos.disturbances import Kind
from tests.crashes.sends.letters import Letter
from tests.crashes.sends.marks import mark_of
from tests.crashes.sends.moments import SAID_SENT

if TYPE_CHECKING:
    from tests.chaos.blows import Blow

ROWS: Final = """
select entry.id::text, entry.seq, entry.kind, entry.state, entry.error_code, entry.whatsapp_id,
       entry.message_id::text, entry.claim_term, entry.claims, message.status,
       extract(epoch from entry.claimed_at)::float8 as claimed_at,
       extract(epoch from entry.updated_at)::float8 as updated_at
from wa_outbox as entry left join wa_messages as message on message.id = entry.message_id
where entry.id = any($1) order by entry.seq
"""
# After what else nobody can know whether a message left (docs/outbox.md).
DOUBTFUL: Final = frozenset(
    {
        *(Kind.KILL_WORKER, Kind.KILL_SUPERVISOR, Kind.KILL_CONNECTOR),
        *(Kind.KILL_AND_WIPE, Kind.STOP_AND_WIPE),
        *(Kind.FREEZE_WORKER, Kind.FREEZE_SUPERVISOR, Kind.FREEZE_CONNECTOR),
        *(Kind.CUT_WHATSAPP, Kind.HANG_UP_WHATSAPP, Kind.CUT_SUPABASE),
    }
)
# What was being written then leaves when it is over, though another goes on meanwhile.
LEAVES_LATE: Final = frozenset(
    {Kind.FREEZE_WORKER, Kind.FREEZE_CONNECTOR, Kind.CUT_WHATSAPP}
)
Row = Mapping[str, object]


@dataclass(slots=True)
class Sent:
    """`raced`, `exchanged`, `late`, `in_doubt`, `left` have an excuse; the rest has none."""

    rows: int = 0
    twice: list[str] = field(default_factory=list)
    unsent: list[str] = field(default_factory=list)  # said to be sent, never heard
    failed: list[str] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)  # in doubt without a reason
    open: list[str] = field(default_factory=list)  # never settled
    raced: list[str] = field(default_factory=list)  # lost between two of the library
    exchanged: list[str] = field(default_factory=list)  # sent, by a neighbour's id
    late: list[str] = field(default_factory=list)
    in_doubt: Counter[str] = field(default_factory=Counter)  # by what came before
    left: int = 0  # of these: it was heard all the same

    def defects(self) -> dict[str, list[str]]:
        names = ("twice", "unsent", "failed", "mistaken", "disordered", "doubted")
        return {name: getattr(self, name) for name in (*names, "open")}


class Hearing:
    """What each person heard from an owner, by its mark, in order."""

    def __init__(self, people: Iterable[Person], owner: Person) -> None:
        self._owner = owner
        self._heard: dict[str, dict[str, list[str]]] = {}
        self._seen = dict.fromkeys(people, 0)

    def look(self) -> None:
        for person, seen in self._seen.items():
            marks = self._heard.setdefault(person.number, {})
            for one in person.heard[seen:]:
                if one.sender is self._owner:
                    marks.setdefault(mark_of(one), []).append(one.whatsapp_id)
            self._seen[person] = len(person.heard)

    def ids(self, person: Person, mark: str) -> list[str]:
        return self._heard.get(person.number, {}).get(mark, [])

    def order(self, person: Person) -> dict[str, int]:
        """The place of each mark, by when it was first heard."""
        return {mark: n for n, mark in enumerate(self._heard.get(person.number, {}))}


@dataclass(frozen=True, slots=True)
class Post:
    """A number's letters with what is known of them. `caller_at`: by lease term.

    `raced`: ids of what phones ignored since one process used a place in the ratchet
    twice, which is whatsmeow's doing: it reads while it writes, without a lock.
    """

    session_id: str
    owner: Person
    letters: Sequence[Letter]
    raced: Collection[str]
    asked_again: Collection[str]  # ids of what a phone could not read at first
    rows: Mapping[str, Row]
    blows: Sequence[Blow]
    caller_at: Callable[[int], str | None]


async def read_rows(
    database: asyncpg.Connection[asyncpg.Record], letters: Sequence[Letter]
) -> dict[str, Row]:
    rows = await database.fetch(ROWS, [letter.id for letter in letters])
    return {row["id"]: dict(row) for row in rows}


def judge(sent: Sent, post: Post, hearing: Hearing) -> None:
    hearing.look()
    for letter in post.letters:
        sent.rows += 1
        if letter.id in post.rows:
            _judge_letter(sent, post, letter, hearing)
        else:
            sent.failed.append(f"{letter.kind} {letter.id} was not inserted")
    _judge_order(sent, post, hearing)


def _judge_letter(sent: Sent, post: Post, letter: Letter, hearing: Hearing) -> None:
    row = post.rows[letter.id]
    hearers = letter.hearers(post.owner)
    heard = {one.name: hearing.ids(one, letter.mark) for one in hearers}
    ids = {message_id for found in heard.values() for message_id in found}
    note = f"{letter.kind} {dict(row)} heard {heard}"
    if any(len(found) > 1 for found in heard.values()):
        sent.twice.append(note)
    if row["state"] in SAID_SENT:
        if not all(heard.values()):
            raced = row["whatsapp_id"] in post.raced
            (sent.raced if raced else sent.unsent).append(note)
        if row["status"] in ("pending", "failed"):
            sent.mistaken.append(note)
        elif ids and ids != {row["whatsapp_id"]}:
            # With its ids lost, a receipt settles it that may be its neighbour's.
            taken = row["whatsapp_id"] in _neighbours(post, letter, hearing)
            (sent.exchanged if taken else sent.mistaken).append(note)
    elif row["state"] == "uncertain":
        sent.left += bool(ids)
        reason = _reason(post, row)
        if reason is None:
            sent.doubted.append(note)
        else:
            sent.in_doubt[reason] += 1
    elif row["state"] in ("queued", "claimed", "sending"):
        sent.open.append(note)
    else:
        sent.failed.append(note)


def _neighbours(post: Post, letter: Letter, hearing: Hearing) -> set[str]:
    """Ids of what left of its chat under the same term."""
    term = post.rows[letter.id]["claim_term"]
    return {
        message_id
        for other in post.letters
        if other is not letter
        and str(other.chat.jid) == str(letter.chat.jid)
        and other.id in post.rows
        and post.rows[other.id]["claim_term"] == term
        for person in other.hearers(post.owner)
        for message_id in hearing.ids(person, other.mark)
    }


def _reason(post: Post, row: Row) -> str | None:
    """The disturbance after its claim that its claimer may have met it in."""
    claimed_at, updated_at = row["claimed_at"], row["updated_at"]
    term = row["claim_term"]
    if not isinstance(claimed_at, float) or not isinstance(updated_at, float):
        return None
    caller = post.caller_at(term) if isinstance(term, int) else None
    found = [
        blow
        for blow in post.blows
        if blow.kind in DOUBTFUL
        and blow.touches(post.session_id, caller)
        and blow.begun <= updated_at
        and (blow.ended is None or claimed_at <= blow.ended)
    ]
    return min(found, key=lambda one: one.begun).disturbance.name if found else None


def _judge_order(sent: Sent, post: Post, hearing: Hearing) -> None:
    by_place = sorted(
        (letter for letter in post.letters if letter.id in post.rows),
        key=lambda letter: post.rows[letter.id]["seq"],  # type: ignore[arg-type,return-value]  # a number
    )
    chats = {str(letter.chat.jid): letter.chat for letter in by_place}
    for jid, chat in chats.items():
        wanted = [letter for letter in by_place if str(letter.chat.jid) == jid]
        hearers = [chat] if isinstance(chat, Person) else wanted[0].hearers(post.owner)
        for person in hearers:
            _judge_chat(sent, post, person, wanted, hearing.order(person))


def _judge_chat(
    sent: Sent,
    post: Post,
    person: Person,
    wanted: Sequence[Letter],
    places: Mapping[str, int],
) -> None:
    """Each one that was heard after one that was inserted later."""
    heard = [letter for letter in wanted if letter.mark in places]
    for at, letter in enumerate(heard):
        overtaking = [
            later
            for later in heard[at + 1 :]
            if places[later.mark] < places[letter.mark]
        ]
        if overtaking:
            row, first = post.rows[letter.id], post.rows[overtaking[0].id]
            note = f"{person.name} heard {dict(row)} after {dict(first)}"
            late = _left_late(post, row, [post.rows[one.id] for one in overtaking])
            (sent.late if late else sent.disordered).append(note)


def _left_late(post: Post, row: Row, overtaking: Sequence[Row]) -> bool:
    """It came again for a phone, or was on its way when another term went on."""
    if row["whatsapp_id"] in post.asked_again:
        return True
    term = row["claim_term"]
    terms = [other["claim_term"] for other in overtaking]
    if not isinstance(term, int) or not isinstance(row["claimed_at"], float):
        return False
    if not all(isinstance(other, int) and other > term for other in terms):
        return False
    caller = post.caller_at(term)
    return any(
        blow.kind in LEAVES_LATE
        and blow.touches(post.session_id, caller)
        and (blow.ended is None or row["claimed_at"] <= blow.ended)
        for blow in post.blows
    )
