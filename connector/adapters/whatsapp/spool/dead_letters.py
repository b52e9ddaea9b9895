"""Dead letters: what cannot be read or stored, kept sealed until somebody looks.

An event moves there whole, in the transaction that removes it from the queue, or, when
only a part of it is at fault, that part alone as an event of its own. Replaying moves it
back to the end of the queue, discarding drops it for good. None of it needs the key.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

LONGEST_REASON: Final = 200
_MOVE: Final = """
insert into dead_letters (code, term, received_at, reason, body)
select code, term, received_at, ?, body from events where seq = ?
"""
_ADD: Final = """
insert into dead_letters (code, term, received_at, reason, body) values (?, ?, ?, ?, ?)
"""
_GIVE_BACK: Final = """
insert into events (seq, code, term, received_at, body)
select ? + row_number() over (order by id), code, term, received_at, body
from dead_letters where ? in (0, id) order by id
"""
_DROP: Final = "delete from dead_letters where ? in (0, id)"
_END: Final = "select coalesce(max(seq), 0) from events"


@dataclass(frozen=True, slots=True)
class WholeEvent:
    """An event of the queue, as it is there."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of one, which is not in the queue by itself."""

    code: int
    term: int
    received_at: int
    reason: str
    body: bytes = field(repr=False)  # sealed


DeadLetter = WholeEvent | Part


def add(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """To be called inside a transaction, before the events are removed."""
    for letter in letters:
        reason = letter.reason[:LONGEST_REASON]
        if isinstance(letter, WholeEvent):
            connection.execute(_MOVE, (reason, letter.seq))
        else:
            row = (letter.code, letter.term, letter.received_at, reason, letter.body)
            connection.execute(_ADD, row)


def replay(connection: sqlite3.Connection, letter_id: int = 0) -> int:
    """Put one dead letter, or all, back at the end of the queue; return how many.

    Raises sqlite3.Error; nothing has moved then.
    """
    connection.execute("begin immediate")
    try:
        (end,) = connection.execute(_END).fetchone()
        after = max(end, time.time_ns() // 1_000)
        moved = connection.execute(_GIVE_BACK, (after, letter_id)).rowcount
        connection.execute(_DROP, (letter_id,))
        connection.execute("commit")
    except sqlite3.Error:
        if connection.in_transaction:  # SQLite itself may have ended it
            connection.execute("rollback")
        raise
    return moved


def discard(connection: sqlite3.Connection, letter_id: int = 0) -> int:
    """Drop one dead letter, or all, for good; return how many. Raises sqlite3.Error."""
    return connection.execute(_DROP, (letter_id,)).rowcount
