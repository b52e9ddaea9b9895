"""The store as it was at one moment, while its worker goes on writing to it.

SQLite's backup reads it in one read transaction: writers do not wait, and nothing they
write meanwhile is in the copy. It never leaves the folder, has no name after a moment, and
is gone with whoever made it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from connector.adapters.whatsapp.process.orders import STORE_NAME
from connector.domain.device_state import hash_of

PREFIX: Final = "copy-"
_BUSY_SECONDS: Final = 5.0
_SIZE_AT: Final = slice(16, 18)  # of a page, in SQLite's header; 1 stands for 65,536
_HEADER_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class FileCopy:
    """Implements ports.StoreCopy."""

    file: BinaryIO
    page_size: int
    hashes: tuple[bytes, ...]

    def read(self, page: int) -> bytes:
        self.file.seek(page * self.page_size)
        found = self.file.read(self.page_size)
        if hash_of(found) != self.hashes[page]:
            raise OSError("the copy of a store changed")  # better unsaved than wrong
        return found


@contextlib.contextmanager
def copied(folder: Path) -> Iterator[FileCopy | None]:
    """Raises sqlite3.Error, OSError."""
    if not (folder / STORE_NAME).exists():
        yield None
        return
    descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        try:
            is_paired = _back_up(folder / STORE_NAME, name)
        finally:
            _remove(Path(name))
        yield _read(file) if is_paired else None


def remove_leftovers(folder: Path) -> None:
    """What a killed process was at."""
    for left in folder.glob(f"{PREFIX}*"):
        left.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    for side in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)


def _back_up(store: Path, name: str) -> bool:
    """Copy the store; whether it holds a device."""
    with (
        contextlib.closing(_opened(store)) as source,
        contextlib.closing(sqlite3.connect(name, isolation_level=None)) as target,
    ):
        # It needs to survive nothing.
        target.execute("pragma journal_mode = off")
        target.execute("pragma synchronous = off")
        source.backup(target)
        try:
            found = target.execute("select 1 from whatsmeow_device limit 1")
        except sqlite3.OperationalError:
            return False  # nothing was ever paired here
        return found.fetchone() is not None


def _opened(store: Path) -> sqlite3.Connection:
    uri = store.absolute().as_uri()
    try:
        reading = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        reading.execute("pragma schema_version").fetchone()
    except sqlite3.OperationalError:
        # A killed worker may leave a journal that has to be rolled back first.
        return sqlite3.connect(f"{uri}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
    return reading


def _read(file: BinaryIO) -> FileCopy:
    header = file.read(_HEADER_SIZE)
    size = int.from_bytes(header[_SIZE_AT])
    page_size = 65_536 if size == 1 else size
    file.seek(0)
    hashes = tuple(hash_of(page) for page in iter(lambda: file.read(page_size), b""))
    return FileCopy(file, page_size, hashes)
