"""A session's folder goes whole; what it holds that was never stored is set aside."""

from __future__ import annotations

import fcntl
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.adapters.whatsapp.store.left_folders import LeftFolders
from connector.ports import SessionId
from connector.ports.housekeeping import Discarded

ANA = SessionId("00000000-0000-4000-8000-00000000000a")
SPOOL = """
create table events (seq integer primary key, code, term, received_at, body);
create table dead_letters (code, term, received_at, body, reason);
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions" / ANA
    (folder / "media").mkdir(parents=True)
    (folder / "store.db").write_bytes(b"keys")
    connection = sqlite3.connect(folder / "spool.db")
    connection.executescript(SPOOL)
    connection.close()
    return folder


@pytest.fixture
def let_go() -> list[SessionId]:
    return []


@pytest.fixture
def folders(folder: Path, let_go: list[SessionId]) -> LeftFolders:
    return LeftFolders(folder.parents[1], let_go.append)


def spools(folder: Path, table: str) -> None:
    with sqlite3.connect(folder / "spool.db") as connection:
        connection.execute(
            f"insert into {table} (code, received_at, body) values (1, 0, x'00')"  # noqa: S608 - ours
        )
    connection.close()


async def test_all_of_it_goes_and_nothing_of_it_is_open_any_more(
    folders: LeftFolders, let_go: list[SessionId]
) -> None:
    assert await folders.found() == [ANA]

    assert await folders.discard(ANA) is Discarded.GONE

    assert let_go == [ANA]
    assert await folders.found() == []
    assert [path.name for path in folders.data.iterdir()] == ["sessions"]


@pytest.mark.parametrize("table", ["events", "dead_letters"])
async def test_what_was_not_stored_is_set_aside_whole(
    folders: LeftFolders, folder: Path, let_go: list[SessionId], table: str
) -> None:
    spools(folder, table)
    before = datetime.now(UTC) - timedelta(seconds=1)

    assert await folders.discard(ANA) is Discarded.SET_ASIDE

    aside = folders.data / "orphaned" / ANA
    assert (aside / "store.db").read_bytes() == b"keys"
    assert let_go == [ANA]
    assert await folders.found() == []
    [(session_id, since)] = (await folders.orphaned()).items()
    assert session_id == ANA
    assert before <= since <= datetime.now(UTC)


async def test_what_was_set_aside_comes_back_or_goes_for_good(
    folders: LeftFolders, folder: Path
) -> None:
    spools(folder, "events")
    await folders.discard(ANA)
    await folders.give_back(ANA)
    assert (folder / "store.db").read_bytes() == b"keys"
    assert await folders.orphaned() == {}

    await folders.discard(ANA)

    assert await folders.remove_orphan(ANA) == 1
    assert await folders.orphaned() == {}
    assert await folders.found() == []


async def test_a_spool_that_cannot_be_read_may_hold_anything(
    folders: LeftFolders, folder: Path
) -> None:
    (folder / "spool.db").write_bytes(b"not a database" * 100)

    assert await folders.discard(ANA) is Discarded.IN_USE

    assert (folder / "store.db").exists()


async def test_a_worker_that_runs_keeps_it(folders: LeftFolders, folder: Path) -> None:
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert await folders.discard(ANA) is Discarded.IN_USE

    assert await folders.discard(ANA) is Discarded.GONE


async def test_it_remembers_where_the_session_was_seen(folders: LeftFolders) -> None:
    assert await folders.project_of(ANA) is None

    await folders.seen_in(ANA, "here")
    await folders.seen_in(ANA, "there")

    assert await folders.project_of(ANA) == "there"


async def test_a_removal_that_was_cut_off_is_made_up_for(folders: LeftFolders) -> None:
    left = folders.data / "leaving" / "somebody"
    left.mkdir(parents=True)

    await folders.found()

    assert not left.exists()


async def test_what_is_not_named_like_a_session_is_left_alone(
    folders: LeftFolders,
) -> None:
    (folders.data / "sessions" / "backup").mkdir()

    assert await folders.found() == [ANA]
    with pytest.raises(ValueError, match="UUID"):
        await folders.discard(SessionId("../sessions"))
