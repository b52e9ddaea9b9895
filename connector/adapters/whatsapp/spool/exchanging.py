"""The keys of a spool: which ones it needs, and their exchange for the one that seals now.

Beside a running worker and its supervisor: both take what they find by its number, whatever
its seal. Killed at any line, each value is sealed with the one key or the other.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.spool.writer import connect, sealing_context
from connector.errors import SealBroken, SpoolUnavailable
from connector.sealing import Sealer

# What others wait for at most; a larger event comes alone.
ROWS_A_TURN: Final = 200
BYTES_A_TURN: Final = 1024 * 1024
_NAMED: Final = "lower(hex(substr(body, 2, 4)))"
_TABLES: Final = {"events": "seq", "dead_letters": "id"}


@dataclass(frozen=True, slots=True)
class _Value:
    number: int
    code: int
    body: bytes


def keys_of_spool(path: Path) -> Counter[str]:
    """How many values each key has sealed, by its id. Raises SpoolUnavailable."""
    found: Counter[str] = Counter()
    with _opened(path) as connection:
        for table in _TABLES:
            query = f"select {_NAMED}, count(*) from {table} group by 1"  # noqa: S608 - our own words
            found.update(dict(connection.execute(query).fetchall()))
    return found


def exchange_in_spool(path: Path, session_id: str, sealer: Sealer) -> int:
    """Seal anew what another key has sealed and ours open; how many values that were.

    Raises SpoolUnavailable.
    """
    exchanged = 0
    with _opened(path) as connection:
        for table in _TABLES:
            after = -1
            while values := _next(connection, table, after, sealer):
                after = values[-1].number
                resealed = list(_resealed(values, session_id, sealer))
                _write(connection, table, resealed)
                exchanged += len(resealed)
    return exchanged


def _next(
    connection: sqlite3.Connection, table: str, after: int, sealer: Sealer
) -> list[_Value]:
    key = _TABLES[table]
    query = (
        f"select {key}, code, body from {table}"  # noqa: S608 - our own words
        f" where {key} > ? and {_NAMED} <> ? order by {key} limit {ROWS_A_TURN}"
    )
    found: list[_Value] = []
    size = 0
    with contextlib.closing(
        connection.execute(query, (after, sealer.current_key))
    ) as rows:
        for row in rows:
            found.append(_Value(*row))
            size += len(found[-1].body)
            if size > BYTES_A_TURN:
                break
    return found


def _resealed(
    values: Sequence[_Value], session_id: str, sealer: Sealer
) -> Iterator[tuple[bytes, int]]:
    for value in values:
        # What no key of ours opens stays as it is, and is counted by its key.
        with contextlib.suppress(SealBroken):
            context = sealing_context(session_id, value.code)
            yield sealer.reseal(value.body, context), value.number


def _write(
    connection: sqlite3.Connection, table: str, resealed: Sequence[tuple[bytes, int]]
) -> None:
    # What was stored meanwhile is gone; a number never comes again.
    query = f"update {table} set body = ? where {_TABLES[table]} = ?"  # noqa: S608 - our own words
    connection.execute("begin immediate")
    with connection:
        connection.executemany(query, resealed)
    connection.execute("pragma wal_checkpoint(passive)").fetchone()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(connect(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise SpoolUnavailable(str(error)) from error
