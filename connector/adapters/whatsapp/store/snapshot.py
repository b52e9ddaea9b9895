"""The store as it is at one moment, read in place while its worker goes on writing to it.

SQLite gives no pages, so they are read from the files, under a read transaction, which
holds still what it sees: no checkpoint puts later pages into the file, and the log does not
begin anew. Writers do not wait. What one look hashed the next one need not hash again, as
long as the log tells which pages were written since.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.process.orders import STORE_NAME
from connector.adapters.whatsapp.store.log_pages import LogIndex, LogPages
from connector.adapters.whatsapp.store.opening import borrowed, connected
from connector.domain.device_state import hash_of

# A transaction that began between two equal headers sees just these frames. A writer
# would have to commit in the same twentieth of a millisecond, time and again.
_ATTEMPTS: Final = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found, for the next one to go on from."""

    file: tuple[int, int]  # its device and inode
    pages: LogPages
    hashes: Sequence[bytes]


@dataclass(slots=True)
class LastLook:
    """None: all pages are hashed the next time."""

    look: Look | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Implements ports.StoreCopy, as long as its transaction lasts."""

    page_size: int
    hashes: Sequence[bytes]
    _pages: _Pages

    def read(self, page: int) -> bytes:
        found = self._pages.read(page + 1)
        if hash_of(found) != self.hashes[page]:
            raise OSError(
                "a page changed under its reader"
            )  # better unsaved than wrong
        return found


@dataclass(frozen=True, slots=True)
class _Pages:
    """From 1 on, as SQLite counts them."""

    size: int
    count: int
    file: int
    log: int
    in_log: LogPages | None  # None: all of them are in the file

    def read(self, page: int) -> bytes:
        found = None if self.in_log is None else self.in_log.page(self.log, page)
        if found is None:
            found = os.pread(self.file, self.size, (page - 1) * self.size)
        # A page that was set free before it was ever written need not be there.
        return found.ljust(self.size, b"\0")


@contextlib.contextmanager
def snapshot(folder: Path, last: LastLook) -> Iterator[Snapshot | None]:
    """None when the store holds no device. Raises sqlite3.Error, OSError."""
    store = folder / STORE_NAME
    if not store.exists():
        yield None
        return
    with _reading(store) as connection:
        index = _begun(connection, store)
        try:
            paired = _is_paired(connection)
            yield _taken(connection, store, index, last) if paired else None
        except OSError:
            last.look = None  # whatever it was: the next look trusts nothing
            raise
        finally:
            connection.rollback()


@contextlib.contextmanager
def _reading(store: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.ExitStack() as until_read:
        try:
            connection = until_read.enter_context(connected(store))
            connection.execute("pragma schema_version").fetchone()
        except sqlite3.OperationalError:
            # A killed worker may leave a journal that has to be rolled back first.
            connection = until_read.enter_context(connected(store, "rw"))
        connection.isolation_level = None
        yield connection


def _begun(connection: sqlite3.Connection, store: Path) -> LogIndex | None:
    """Begin to read; what the log's index said at that moment, None without a log."""
    [mode] = connection.execute("pragma journal_mode").fetchone()
    if mode != "wal":
        connection.execute("begin")
        connection.execute("pragma page_count").fetchone()
        return None
    connection.execute("pragma page_count").fetchone()  # there is an index from now on
    descriptor = borrowed(store, store.with_name(f"{STORE_NAME}-shm"))
    for _ in range(_ATTEMPTS):
        before = LogIndex.read(descriptor)
        connection.execute("begin")
        connection.execute("pragma page_count").fetchone()
        # First what is in the file, then whether anything was committed meanwhile.
        index = LogIndex.read(descriptor)
        if before is not None and index is not None and before.header == index.header:
            return index
        connection.rollback()
    raise sqlite3.OperationalError("a store is being written without a pause")


def _is_paired(connection: sqlite3.Connection) -> bool:
    try:
        found = connection.execute("select 1 from whatsmeow_device limit 1")
    except sqlite3.OperationalError:
        return False  # nothing was ever paired here
    return found.fetchone() is not None


def _taken(
    connection: sqlite3.Connection, store: Path, index: LogIndex | None, last: LastLook
) -> Snapshot:
    [size] = connection.execute("pragma page_size").fetchone()
    [count] = connection.execute("pragma page_count").fetchone()
    before, last.look = last.look, None
    file = borrowed(store, store)
    # All frames may be in the file: then it stands still, and the log may begin anew.
    if index is None or index.filed >= index.frames:
        pages = _Pages(size, count, file, 0, None)
        return Snapshot(size, _hashed(pages, (), range(count)), pages)
    log = borrowed(store, store.with_name(f"{STORE_NAME}-wal"))
    found = os.fstat(file)
    look = _looked((found.st_dev, found.st_ino), index, size, before)
    fresh = look.pages.read_on(log, index.frames)
    pages = _Pages(size, count, file, log, look.pages)
    kept = look.hashes[:count]
    again = {page - 1 for page in fresh if page <= count}.union(range(len(kept), count))
    hashes = _hashed(pages, kept, sorted(again))
    last.look = Look(look.file, look.pages, hashes)
    return Snapshot(size, hashes, pages)


def _looked(
    file: tuple[int, int], index: LogIndex, size: int, before: Look | None
) -> Look:
    """What of the last look holds still: as long as it is the same log, all of it."""
    if before is not None and before.file == file:
        same = (before.pages.salt, before.pages.page_size) == (index.salt, size)
        if same and before.pages.frames <= index.frames:
            return before
    return Look(file, LogPages(index.salt, size), ())


def _hashed(
    pages: _Pages, kept: Sequence[bytes], again: Iterable[int]
) -> Sequence[bytes]:
    """The hashes of all pages: those that are kept, and those to be made again."""
    hashes = [*kept, *(b"" for _ in range(pages.count - len(kept)))]
    for page in again:
        hashes[page] = hash_of(pages.read(page + 1))
    return tuple(hashes)
