"""The supervisor's half of the spool: read, decode, trim (spool.py is the worker's).

    read    decodes the oldest events of one term; reading again gives the same again
    trim    forgets what is stored, and only what the last read handed out
    owed    a trim that a full disk refuses is made up for later; it counts as done
    poison  an event that cannot be decoded goes to dead_letters, raw and sealed

A history event holds thousands of messages: it is handed out in pieces of `limit`, and
stays in the spool until its last piece is trimmed. After a crash it starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Final

import structlog

from connector.adapters.whatsapp.address_book import AddressBook
from connector.adapters.whatsapp.incoming import decode
from connector.adapters.whatsapp.reading import Poison, ReadingRules, Rejected
from connector.adapters.whatsapp.spool import connect, sealing_context
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Person
from connector.errors import SealBroken
from connector.ports import SpooledBatch
from connector.sealing import Sealer

_LOG_TO_FOLD: Final = 4 * 1024 * 1024  # bytes
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_OLDEST: Final = (
    "select seq, code, term, received_at, body from events"
    " where seq > ? order by seq limit ?"
)
_BETWEEN: Final = (
    "select seq, code, term, received_at, body from events where seq > ? and seq <= ?"
)
_COUNT: Final = "select count(*) from events where seq > ?"
_SET_ASIDE: Final = """
insert or ignore into dead_letters (seq, code, term, received_at, body, reason)
values (?, ?, ?, ?, ?, ?)
"""
_Row = tuple[int, int, int, int, bytes]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Piece:
    """How far into one event's messages the pieces handed out reach."""

    seq: int
    end: int


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A large event between two reads, so that it is decoded once."""

    seq: int
    incoming: Sequence[Incoming]


class SpoolReader:
    """Implements ports.Spool over a session's spool file."""

    def __init__(
        self,
        path: Path,
        *,
        session_id: str,
        sealer: Sealer,
        rules: ReadingRules,
        own: Callable[[], Person | None],
        phone_of: Callable[[Jid], Jid | None],
    ) -> None:
        """`own` says whose number it is, once that is known."""
        self._path = path
        self._session_id = session_id
        self._sealer = sealer
        self._rules = rules
        self._own = own
        self._people = AddressBook(phone_of)
        # Not asyncio's: a cancelled call goes on in its thread until it is done.
        self._turn = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._done = _Piece(0, 0)  # trimmed so far, of the event that comes in pieces
        self._handed_out = _Piece(0, 0)
        self._large: _Decoded | None = None
        self._owed = 0  # stored up to here, though the disk still holds it; 0: nothing

    async def read(self, limit: int) -> SpooledBatch | None:
        """Raises SealBroken when the events were sealed with a key we do not have."""
        return await asyncio.to_thread(self._read, limit)

    async def trim(self, up_to: int) -> None:
        await asyncio.to_thread(self._trim, up_to)

    async def reject(self, up_to: int, reason: str) -> None:
        await asyncio.to_thread(self._reject, up_to, reason)

    async def depth(self) -> int:
        return await asyncio.to_thread(self._depth)

    async def check_key(self) -> None:
        """Raises SealBroken when the oldest event names a key that we do not have."""
        await asyncio.to_thread(self._check_key)

    def close(self) -> None:
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def follow(self, rules: ReadingRules) -> None:
        """Read by other rules from the next event on."""
        self._rules = rules

    def _check_key(self) -> None:
        with self._turn:
            for row in self._oldest(1):
                if not self._sealer.knows(row[-1]):
                    raise SealBroken

    def _read(self, limit: int) -> SpooledBatch | None:
        with self._turn:
            if self._owed:
                self._delete(self._owed)
            rows = self._oldest(limit)
            if rows and self._connection is not None:
                self._checkpoint(self._connection)
            return self._batch(rows, limit) if rows else None

    def _batch(self, rows: Sequence[_Row], limit: int) -> SpooledBatch:
        up_to = rejected = 0
        found: list[Incoming] = []
        self._handed_out = self._done
        for row in rows:
            seq = row[0]
            try:
                decoded = self._decode(row)
            except Poison as poison:
                self._set_aside([row], str(poison))
                rejected, up_to = rejected + 1, seq
                continue
            start = self._done.end if self._done.seq == seq else 0
            end = start + limit - len(found)
            found += decoded[start:end]
            if end < len(decoded):
                self._large = _Decoded(seq, decoded)
                self._handed_out = _Piece(seq, end)
                break
            up_to = seq
        return SpooledBatch(
            incoming=found, up_to=up_to, term=rows[0][2], rejected=rejected
        )

    def _oldest(self, limit: int) -> list[_Row]:
        if (connection := self._open()) is None:
            return []
        rows: list[_Row] = connection.execute(_OLDEST, (self._owed, limit)).fetchall()
        return list(takewhile(lambda row: row[2] == rows[0][2], rows))

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Fold the log into the file, for the worker; passive: nobody waits for it."""
        log = self._path.with_name(f"{self._path.name}-wal")
        if log.stat().st_size > _LOG_TO_FOLD:
            # A full disk has no room for that either; the log keeps what it holds.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("pragma wal_checkpoint(passive)").fetchone()

    def _decode(self, row: _Row) -> Sequence[Incoming]:
        seq, code, _, received_at, body = row
        if self._large is not None and self._large.seq == seq:
            return self._large.incoming
        try:
            raw = self._sealer.open(body, sealing_context(self._session_id, code))
        except SealBroken as error:
            if not self._sealer.knows(body):
                raise  # all of them are: WA_STATE_KEY is wrong, not the event
            raise Poison("damaged") from error
        if self._rules.own is None:
            self._rules = replace(self._rules, own=self._own())
        at = _EPOCH + timedelta(milliseconds=received_at)
        decoded = decode(code, raw, at, self._rules)
        return [
            self._people.completed(item)
            for item in decoded
            if not isinstance(item, Rejected)
        ]

    def _trim(self, up_to: int) -> None:
        with self._turn:
            self._forget(up_to)

    def _reject(self, up_to: int, reason: str) -> None:
        with self._turn:
            if (connection := self._open()) is None:
                return
            # An event handed out in pieces is refused a piece at a time, kept once.
            last = max(up_to, self._handed_out.seq)
            rows = connection.execute(_BETWEEN, (self._owed, last)).fetchall()
            self._set_aside(rows, reason)
            self._forget(up_to)

    def _forget(self, up_to: int) -> None:
        self._done = self._handed_out
        if self._large is not None and self._large.seq <= up_to:
            self._large = None
        self._delete(up_to)

    def _delete(self, up_to: int) -> None:
        if (connection := self._open()) is None:
            return
        try:
            connection.execute("delete from events where seq <= ?", (up_to,))
        except sqlite3.OperationalError as error:
            # It is in Postgres: what cannot be deleted yet must not keep the rest back.
            if not self._owed:
                log.warning(
                    "trimming waits for room", session_id=self._session_id, error=error
                )
            self._owed = max(self._owed, up_to)
        else:
            self._owed = 0
            self._checkpoint(connection)

    def _set_aside(self, rows: Sequence[_Row], reason: str) -> None:
        if (connection := self._open()) is not None:
            connection.executemany(_SET_ASIDE, [(*row, reason[:200]) for row in rows])

    def _depth(self) -> int:
        with self._turn:
            if (connection := self._open()) is None:
                return 0
            counted = connection.execute(_COUNT, (self._owed,)).fetchone()
            return int(counted[0])

    def _open(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path.exists():
            self._connection = connect(self._path)
        return self._connection
