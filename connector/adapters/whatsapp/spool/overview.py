"""What the spools of a data folder hold, without opening what they hold.

Reads beside a running connector or without one, and needs no key.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.spool import dead_letters
from connector.adapters.whatsapp.spool.writer import FILE_NAME, connect
from connector.errors import SpoolUnavailable

SESSIONS: Final = "sessions"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_WAITING: Final = """
select
  count(*) filter (where code <> :history),
  count(*) filter (where code = :history),
  coalesce(sum(length(body)), 0),
  min(received_at)
from events
"""
_DEPTH: Final = """
select
  (select count(*) from events),
  (select received_at from events order by seq limit 1),
  (select count(*) from dead_letters)
"""
_LETTERS: Final = """
select rowid, code, received_at, length(body), reason from dead_letters order by rowid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter, closed."""

    id: int
    event: str
    received_at: datetime
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolOverview:
    session_id: str
    live: int
    history: int
    bytes: int
    oldest_at: datetime | None
    dead_letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolDepth:
    """How much waits and since when, had cheaply."""

    events: int
    oldest_at: datetime | None
    dead_letters: int


def spools(data: Path) -> dict[str, Path]:
    """Every session's spool file in a data folder."""
    found = sorted((data / SESSIONS).glob(f"*/{FILE_NAME}"))
    return {path.parent.name: path for path in found}


def overview(session_id: str, path: Path) -> SpoolOverview:
    """Raises SpoolUnavailable."""
    with _translated(), contextlib.closing(_existing(path)) as connection:
        live, history, size, oldest = connection.execute(
            _WAITING, {"history": Code.HISTORY_SYNC}
        ).fetchone()
        letters = connection.execute(_LETTERS).fetchall()
        return SpoolOverview(
            session_id=session_id,
            live=live,
            history=history,
            bytes=size,
            oldest_at=None if oldest is None else _moment(oldest),
            dead_letters=tuple(_letter(row) for row in letters),
        )


def depth(path: Path) -> SpoolDepth:
    """Raises SpoolUnavailable."""
    with _translated(), contextlib.closing(_existing(path)) as connection:
        events, oldest, letters = connection.execute(_DEPTH).fetchone()
        return SpoolDepth(
            events=events,
            oldest_at=None if oldest is None else _moment(oldest),
            dead_letters=letters,
        )


def replay(path: Path, letter_id: int = 0) -> int:
    """Move dead letters back to the end of the queue. Raises SpoolUnavailable."""
    with _translated(), contextlib.closing(connect(path)) as connection:
        return dead_letters.replay(connection, letter_id)


def discard(path: Path, letter_id: int = 0) -> int:
    """Drop dead letters for good. Raises SpoolUnavailable."""
    with _translated(), contextlib.closing(connect(path)) as connection:
        return dead_letters.discard(connection, letter_id)


def _existing(path: Path) -> sqlite3.Connection:
    # Not "ro": who may not write cannot remove the log files it makes, either.
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=10)


def _letter(row: tuple[Any, ...]) -> Letter:
    letter_id, code, received_at, size, reason = row
    return Letter(
        id=letter_id,
        event=_name(code),
        received_at=_moment(received_at),
        bytes=size,
        reason=reason,
    )


def _name(code: int) -> str:
    try:
        return Code(code).name.lower()
    except ValueError:
        return str(code)


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SpoolUnavailable(str(error)) from error
