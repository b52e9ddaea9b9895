"""Opens a session's store in the supervisor, beside the worker that writes it.

The kernel's locks belong to the process: closing *any* descriptor of a file drops those of
every connection that this process has to it, and the worker's SQLite would take us for
gone. So whoever reads the file itself borrows a descriptor here; it is closed when no
connection is left.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

_BUSY_SECONDS: Final = 5.0

_turn: Final = threading.Lock()
_connections: Final[Counter[Path]] = Counter()
# Of each store, with device and inode: a file may be replaced under its name, also between
# asking which it is and opening it. Whatever was opened is in here, or it is never closed.
_descriptors: Final[dict[Path, dict[int, tuple[int, int]]]] = {}


@contextlib.contextmanager
def connected(
    store: Path, mode: Literal["ro", "rw"] = "ro"
) -> Iterator[sqlite3.Connection]:
    """A connection that may be used, and closed, in any one thread at a time.

    Raises sqlite3.Error.
    """
    uri = f"{store.absolute().as_uri()}?mode={mode}"
    _enter(store)
    try:
        with contextlib.closing(
            sqlite3.connect(
                uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False
            )
        ) as connection:
            yield connection
    finally:
        _leave(store)


def borrowed(store: Path, file: Path) -> int:
    """A descriptor for reading `file`, one of the store's, while connected to the store.

    Not to be closed. Raises OSError.
    """
    with _turn:
        if not _connections[store]:
            raise RuntimeError("borrowed without a connection")
        known = _descriptors.setdefault(store, {})
        wanted = _identity(file.stat())
        for descriptor, identity in known.items():
            if identity == wanted:
                return descriptor
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        known[descriptor] = _identity(os.fstat(descriptor))
        return descriptor


def _enter(store: Path) -> None:
    with _turn:
        _connections[store] += 1


def _leave(store: Path) -> None:
    with _turn:
        _connections[store] -= 1
        if not _connections[store]:
            del _connections[store]
            for descriptor in _descriptors.pop(store, {}):
                os.close(descriptor)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
