"""A store is read in place, while it is written, as SQLite's own backup would copy it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.adapters.whatsapp.store.log_pages import LogIndex
from connector.adapters.whatsapp.store.opening import borrowed, connected
from connector.adapters.whatsapp.store.snapshot import LastLook, Snapshot, snapshot

WRITER = Path(__file__).with_name("store_writer.py")
SEEDS = ("Ana", "Bob", "Carla")
# Of the first page: a backup counts as a change, and as one by the SQLite that made it.
OF_THE_BACKUP = (slice(24, 28), slice(40, 44), slice(92, 100))


@dataclass(frozen=True)
class Writer:
    folder: Path
    process: subprocess.Popen[str]

    @classmethod
    @contextlib.contextmanager
    def at_work(cls, folder: Path, seed: str) -> Iterator[Writer]:
        with subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, str(WRITER), str(folder / "store.db"), seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield cls(folder, process)
            assert process.stdin is not None
            process.stdin.close()

    def begins(self, steps: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()

    def has_ended(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "done\n"

    def takes(self, steps: int) -> None:
        self.begins(steps)
        self.has_ended()


def backed_up(folder: Path) -> list[bytes]:
    """The pages as SQLite's backup has them; only while nobody writes."""
    target = folder / "backup"
    with (
        connected(folder / "store.db") as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        copy.execute("pragma journal_mode = off")
        source.backup(copy)
        [size] = source.execute("pragma page_size").fetchone()
    content = target.read_bytes()
    target.unlink()
    pages = [content[at : at + size] for at in range(0, len(content), size)]
    return [comparable(pages[0]), *pages[1:]]


def comparable(first: bytes) -> bytes:
    page = bytearray(first)
    for part in OF_THE_BACKUP:
        page[part] = bytes(part.stop - part.start)
    return bytes(page)


def pages_of(copy: Snapshot | None) -> list[bytes]:
    """Raises OSError when a page is not what its hash says."""
    assert copy is not None
    return [copy.read(page) for page in range(len(copy.hashes))]


def as_database(pages: Sequence[bytes], path: Path) -> sqlite3.Connection:
    path.write_bytes(b"".join(pages))
    # The log is gone, so that the file alone counts.
    return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_is_what_a_backup_has_whatever_is_written_meanwhile(
    tmp_path: Path, seed: str
) -> None:
    last = LastLook()
    with Writer.at_work(tmp_path, seed) as writer:
        for round_ in range(40):
            writer.takes(1 + round_ % 7)
            expected = backed_up(tmp_path)
            with snapshot(tmp_path, last) as copy:
                writer.takes(round_ % 5)
                pages = pages_of(copy)

            assert [comparable(pages[0]), *pages[1:]] == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_read_in_the_middle_of_writing_is_whole(
    tmp_path: Path, seed: str
) -> None:
    last = LastLook()
    with Writer.at_work(tmp_path, seed) as writer:
        writer.takes(20)
        writer.begins(300)
        for look in range(40):
            with snapshot(tmp_path, last) as copy:
                pages = pages_of(copy)
            with contextlib.closing(
                as_database(pages, tmp_path / f"read-{look}")
            ) as read:
                [sound] = read.execute("pragma integrity_check").fetchone()
                said = read.execute(
                    "select count(*), coalesce(sum(length(body)), 0) from said"
                ).fetchone()
                kept = read.execute("select rows, bytes from kept").fetchone()

            assert sound == "ok"
            assert said == kept
        writer.has_ended()


def test_a_commit_while_a_look_begins_is_in_it_wholly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with linked_store(tmp_path) as worker:
        real, looks = LogIndex.read, iter(range(100))

        def interrupted(descriptor: int) -> LogIndex | None:
            if next(looks) == 1:  # the transaction has begun
                worker.execute("insert into said values (zeroblob(900000))")
            return real(descriptor)

        monkeypatch.setattr(LogIndex, "read", interrupted)
        with snapshot(tmp_path, LastLook()) as copy:
            pages = pages_of(copy)

    assert next(looks) > 2
    with contextlib.closing(as_database(pages, tmp_path / "read")) as read:
        assert read.execute("pragma integrity_check").fetchone() == ("ok",)


@contextlib.contextmanager
def linked_store(folder: Path) -> Iterator[sqlite3.Connection]:
    """A store that is open, as its worker has it; nothing is filed by itself."""
    with contextlib.closing(
        sqlite3.connect(folder / "store.db", isolation_level=None)
    ) as worker:
        worker.executescript(
            "pragma journal_mode = wal; pragma wal_autocheckpoint = 0;"
            "create table whatsmeow_device (jid); insert into whatsmeow_device values (1);"
            "create table said (body); insert into said values (zeroblob(900000));"
        )
        yield worker


def test_only_what_was_written_since_is_hashed_again(tmp_path: Path) -> None:
    last = LastLook()

    def looked() -> list[int]:
        with snapshot(tmp_path, last) as copy:
            assert copy is not None
            return [id(one) for one in copy.hashes]

    with linked_store(tmp_path) as worker:
        first, first_look = looked(), last.look
        worker.execute("insert into whatsmeow_device values (2)")
        second, second_look = looked(), last.look
        worker.execute("pragma wal_checkpoint(restart)").fetchone()
        worker.execute("insert into whatsmeow_device values (3)")
        third = looked()

    assert first_look != second_look  # both are held, so that no hash has another's id
    assert len(set(second) - set(first)) == 1
    assert set(second).isdisjoint(third)


def test_a_look_that_failed_is_trusted_in_nothing(tmp_path: Path) -> None:
    last = LastLook()

    def fails() -> None:
        with linked_store(tmp_path), snapshot(tmp_path, last):
            assert last.look is not None
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fails()

    assert last.look is None


def test_a_reader_keeps_its_locks_when_another_has_read_the_file_itself(
    tmp_path: Path,
) -> None:
    """Or the log would begin anew under the first one."""
    with Writer.at_work(tmp_path, "Ana") as writer:
        writer.takes(5)
        expected = backed_up(tmp_path)
        with snapshot(tmp_path, LastLook()) as copy:
            with snapshot(tmp_path, LastLook()) as another:
                assert pages_of(another) == pages_of(copy)
            writer.takes(200)
            pages = pages_of(copy)

    assert [comparable(pages[0]), *pages[1:]] == expected


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    with Writer.at_work(tmp_path, "Ana") as writer:
        writer.takes(5)
        before = descriptors()
        with snapshot(tmp_path, LastLook()) as copy:
            pages_of(copy)
            store = tmp_path / "store.db"
            assert borrowed(store, store) == borrowed(store, store)

        assert descriptors() == before


def test_a_file_that_is_replaced_as_it_is_opened_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, log = tmp_path / "store.db", tmp_path / "store.db-wal"
    for file in (store, log):
        file.write_bytes(b"")
    before = descriptors()
    with connected(store):
        first = borrowed(store, store)

        def replaced_first(path: Path, flags: int) -> int:
            log.unlink()
            log.hardlink_to(store)
            return open_file(path, flags)

        open_file = os.open
        monkeypatch.setattr(os, "open", replaced_first)
        assert borrowed(store, log) != first
        monkeypatch.undo()

    assert descriptors() == before


def test_a_store_that_nobody_has_open_is_read_as_well(tmp_path: Path) -> None:
    with Writer.at_work(tmp_path, "Ana") as writer:
        writer.takes(50)

    expected = backed_up(tmp_path)
    with snapshot(tmp_path, LastLook()) as copy:
        pages = pages_of(copy)

    assert [comparable(pages[0]), *pages[1:]] == expected


def test_a_store_that_was_never_paired_has_no_copy(tmp_path: Path) -> None:
    with snapshot(tmp_path, LastLook()) as copy:
        assert copy is None
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db")) as worker:
        worker.execute("pragma journal_mode = wal")
        with snapshot(tmp_path, LastLook()) as copy:
            assert copy is None
