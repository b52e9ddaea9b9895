"""The queue in a spool's file, as the supervisor takes from it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool import dead_letters
from connector.adapters.whatsapp.spool.dead_letters import DeadLetter, Part
from connector.adapters.whatsapp.spool.writer import connect
from connector.ports import Lane

MOST_BYTES: Final = 8 * 1024 * 1024  # of bodies read at once; a larger one comes alone
_LOG_TO_FOLD: Final = 4 * 1024 * 1024  # bytes
_COLUMNS: Final = "select seq, code, term, received_at, body from events"
_NEXT: Final = {
    # The numbers are literals, or SQLite would not use the index that names one.
    Lane.LIVE: f"{_COLUMNS} where code <> {Code.HISTORY_SYNC:d} and seq > ? order by seq",
    Lane.HISTORY: f"{_COLUMNS} where code = {Code.HISTORY_SYNC:d} and seq > ? order by seq",
}
_BODY: Final = "select body from events where seq = ?"
# In one statement: the worker may append at the same moment.
_APPEND: Final = """
insert into events (seq, code, term, received_at, body)
select max(?, coalesce(max(seq), 0) + 1), ?, ?, ?, ? from events
"""
_REMOVE: Final = "delete from events where seq in (select value from json_each(?))"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the queue."""

    seq: int
    code: int
    term: int
    received_at: int  # unix milliseconds


@dataclass(frozen=True, slots=True)
class Row:
    event: Event
    body: bytes = field(repr=False)  # sealed


@dataclass(slots=True)
class _Debt:
    """What a full disk refuses to write down; all of it is stored or kept elsewhere."""

    removed: array[int] = field(default_factory=lambda: array("q"))
    letters: list[DeadLetter] = field(default_factory=list)
    told: bool = False  # in the log

    def __bool__(self) -> bool:
        return bool(self.removed or self.letters)


class SpoolQueue:
    """Every method but `settle` and `pay` raises sqlite3.Error."""

    def __init__(self, path: Path, session_id: str) -> None:
        self._path = path
        self._session_id = session_id
        self._connection: sqlite3.Connection | None = None
        self._debt = _Debt()

    @property
    def owes(self) -> bool:
        """Whether the file still holds what is done with."""
        return bool(self._debt)

    @property
    def owes_parts(self) -> bool:
        """Whether something is kept in memory only: no more of it may be taken."""
        return any(isinstance(letter, Part) for letter in self._debt.letters)

    def next(self, lane: Lane, after: int, most: int) -> list[Row]:
        """Take the oldest events of a lane, without removing them."""
        if (connection := self._open()) is None:
            return []
        found: list[Row] = []
        size = 0
        with contextlib.closing(connection.execute(_NEXT[lane], (after,))) as rows:
            for *columns, body in rows:
                row = Row(Event(*columns), body)
                size += len(row.body)
                if found and size > MOST_BYTES:
                    break
                found.append(row)
                if len(found) == most:
                    break
        return found

    def body(self, event: Event) -> bytes:
        """Take one event's body again. Raises LookupError when it was removed."""
        if (connection := self._open()) is not None:
            found = connection.execute(_BODY, (event.seq,)).fetchone()
            if found is not None:
                return bytes(found[0])
        raise LookupError

    def settle(self, done: Sequence[int], letters: Sequence[DeadLetter]) -> None:
        """Remove what is done with and keep what is set aside; if not now, later."""
        self._debt.removed.extend(done)
        self._debt.letters.extend(letters)
        if self._debt:
            self.pay()

    def pay(self) -> None:
        """Make up for what could not be written before."""
        if not self._debt:
            return
        try:
            if (connection := self._open()) is None:
                return
            self._write(connection)
        except sqlite3.Error as error:
            # What is stored must not keep the rest back.
            if not self._debt.told:
                log.warning(
                    "spool waits for room", session_id=self._session_id, error=error
                )
            self._debt.told = True
        else:
            self._debt = _Debt()
            self.fold_log()

    def fold_log(self) -> None:
        """Fold SQLite's log into the file, for the worker; nobody waits for it."""
        log_file = self._path.with_name(f"{self._path.name}-wal")
        # A full disk has no room for that either; the log keeps what it holds.
        with contextlib.suppress(sqlite3.Error, OSError):
            connection = self._open()
            if connection is not None and log_file.stat().st_size > _LOG_TO_FOLD:
                connection.execute("pragma wal_checkpoint(passive)").fetchone()

    def append(self, code: int, term: int, body: bytes) -> None:
        """Put a sealed event at the end, beside the worker that appends others."""
        if (connection := self._open()) is not None:
            now = time.time_ns()
            row = (now // 1_000, code, term, now // 1_000_000, body)
            connection.execute(_APPEND, row)

    def count(self) -> int:
        if (connection := self._open()) is None:
            return 0
        (events,) = connection.execute("select count(*) from events").fetchone()
        return max(0, int(events) - len(self._debt.removed))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, connection: sqlite3.Connection) -> None:
        connection.execute("begin immediate")
        try:
            dead_letters.add(connection, self._debt.letters)
            connection.execute(_REMOVE, (json.dumps(self._debt.removed.tolist()),))
            connection.execute("commit")
        except sqlite3.Error:
            if connection.in_transaction:  # SQLite itself may have ended it
                connection.execute("rollback")
            raise

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path.exists():
            self._connection = connect(self._path)
        return self._connection
