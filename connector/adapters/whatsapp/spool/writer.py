"""The spool: what WhatsApp will not send again, on disk before anything else happens.

One SQLite file (WAL) per session, written by the session's worker and read and trimmed
by the supervisor, another process. Bodies are sealed. An append is one autocommitted
insert with synchronous=NORMAL: it survives the process, not a power cut.

    killed before the insert:  lost (neonize has already told WhatsApp "received")
    killed after the insert:   read by the next supervisor
    disk full:                 written to what reserve.py kept free; receiving stops
    that full, too:            kept in memory, retried until written

This module is the worker's half; reader.py is the supervisor's. docs/spool.md.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool.reserve import Reserve
from connector.sealing import Sealer

FILE_NAME: Final = "spool.db"
SCHEMA: Final = f"""
create table if not exists events (
  seq integer primary key,        -- given by the writer, never used twice
  code integer not null,          -- neonize's number of the event
  term integer not null,          -- the lease term it was received under
  received_at integer not null,   -- unix milliseconds
  body blob not null              -- sealed protobuf
);
create index if not exists history on events (seq) where code = {Code.HISTORY_SYNC:d};
create table if not exists dead_letters (
  id integer primary key autoincrement,
  code integer not null,
  term integer not null,
  received_at integer not null,
  reason text not null,
  body blob not null              -- sealed: an event, or one that holds a part of it
);
"""
# Looking at file sizes costs more than an append: look once in so many.
_APPENDS_BETWEEN_LOOKS: Final = 64
_RETRY_SECONDS: Final = 0.25
_BUSY_SECONDS: Final = 10.0
# As the first release made it: a part of an event could not be a dead letter.
_NUMBERED_BY_EVENT: Final = (
    "select 1 from pragma_table_info('dead_letters') where name = 'seq'"
)
_INSERT: Final = (
    "insert into events (seq, code, term, received_at, body) values (?, ?, ?, ?, ?)"
)
_PRIMARY_CODE: Final = 0xFF  # the rest of SQLite's error number tells the variant


def connect(path: Path) -> sqlite3.Connection:
    """Open a session's spool, creating it first when it is missing.

    Commits never checkpoint: that would stall an append for as long as the disk takes
    to sync, while neonize goes on telling WhatsApp "received". The reader checkpoints.

    Raises sqlite3.Error.
    """
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma wal_autocheckpoint = 0")
        if connection.execute(_NUMBERED_BY_EVENT).fetchone() is not None:
            connection.execute("alter table dead_letters rename column seq to id")
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def sealing_context(session_id: str, code: int) -> bytes:
    """Bind a body to where it belongs."""
    return f"spool/{session_id}/{code}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HighWater:
    """Where receiving stops: the bytes the spool may use, the bytes a disk must keep."""

    spool_bytes: int
    free_bytes: int = 64 * 1024 * 1024


class SpoolWriter:
    """Appends events; safe to call from any thread of the worker."""

    def __init__(
        self,
        path: Path,
        *,
        session_id: str,
        term: int,
        sealer: Sealer,
        high_water: HighWater,
        on_full: Callable[[], None],
    ) -> None:
        """`on_full` is called once, from the appending thread: it must only signal."""
        self._path = path
        self._session_id = session_id
        self._term = term
        self._sealer = sealer
        self._high_water = high_water
        self._on_full = on_full
        self._lock = threading.Lock()
        self._unwritten: deque[tuple[int, int, int, int, bytes]] = deque()
        self._appends = 0
        self._refused = False  # the disk has refused a write
        self._full = False
        self._reserve = Reserve(path.parent)
        self._connection = connect(path)
        self._last_seq = self._seq_to_go_on_from()
        if self._below_the_marks():
            self._reserve.stock()

    def append(self, code: int, raw: bytes) -> None:
        """Write one event; never raises: what cannot be written yet stays in memory."""
        body = self._sealer.seal(raw, sealing_context(self._session_id, code))
        now = time.time_ns()
        with self._lock:
            self._last_seq = max(self._last_seq + 1, now // 1_000)
            row = (self._last_seq, code, self._term, now // 1_000_000, body)
            self._unwritten.append(row)
            if len(self._unwritten) == 1:
                self._write_in_order()
            if self._refused:
                self._stop_receiving()
            else:
                self._look_at_the_water()

    def flush(self, deadline: float) -> bool:
        """Retry what could not be written until it is, or the monotonic deadline."""
        while True:
            with self._lock:
                self._write_in_order()
                if not self._unwritten:
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)

    def has_room(self) -> bool:
        """Whether receiving may begin."""
        with self._lock:
            return self._below_the_marks()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _seq_to_go_on_from(self) -> int:
        # The clock sees to it that numbers of trimmed events do not come again: a late
        # trim must never reach a new event. (sqlite's autoincrement would write a
        # second page for every append.) It also puts what is replayed where it belongs:
        # behind what was received before, in front of what comes after.
        highest = self._connection.execute("select max(seq) from events").fetchone()[0]
        return max(highest or 0, time.time_ns() // 1_000)

    def _write_in_order(self) -> None:
        try:
            self._write()
        except sqlite3.Error as error:
            # Full, read-only or failing disk: `append` stops receiving, `flush` retries.
            self._refused = True
            if not _is_busy(error) and self._reserve.spend():
                self._write_in_order()  # once: the reserve is gone now

    def _write(self) -> None:
        while self._unwritten:
            row = self._unwritten[0]
            try:
                self._connection.execute(_INSERT, row)
            except sqlite3.IntegrityError:
                # A clock was set back, and a replay has taken this very microsecond.
                self._last_seq = max(self._seq_to_go_on_from(), self._last_seq) + 1
                self._connection.execute(_INSERT, (self._last_seq, *row[1:]))
            self._unwritten.popleft()

    def _look_at_the_water(self) -> None:
        self._appends += 1
        if self._appends % _APPENDS_BETWEEN_LOOKS != 1:
            return
        if not self._below_the_marks():
            self._stop_receiving()

    def _below_the_marks(self) -> bool:
        return self._used_bytes() <= self._high_water.spool_bytes and (
            # The reserve is ours to use: setting it aside must not look like a full disk.
            _free_bytes(self._path.parent) + self._reserve.held()
            >= self._high_water.free_bytes
        )

    def _used_bytes(self) -> int:
        pages, free, size = (
            self._connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _stop_receiving(self) -> None:
        if not self._full:
            self._full = True
            self._on_full()


def _free_bytes(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _is_busy(error: sqlite3.Error) -> bool:
    """Whether another process was writing, which room does not cure."""
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
