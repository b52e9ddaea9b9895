"""Memory, file handles and disk run out, one after the other: said, outlived, nothing lost.

The connector runs in 300 MB, the kernel's own limit, with its data and its log on a disk of
96 MB. Where this machine has no control group or mount to give, the stories that need one
are skipped, and say why.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from devstack.app import Row
from devstack.cage import Cage, NoCage
from devstack.stage import Stage
from tests.acceptance.world import Linked, World
from tests.crashes.victims import family

DISK: Final = "160m"  # receiving stops when 64 MB of it are left
PATIENCE: Final = 60.0
FEW: Final = 3  # file handles: every program has as many open
# Takes a megabyte more again and again, until the kernel has ended somebody for it.
GLUTTON: Final = """
import pathlib, sys
events, taken = pathlib.Path(sys.argv[1]), []
while "oom_kill 0" in events.read_text():
    taken.append(bytes(b"x" * 2**20))
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A small one, with a connector on it; what it has not is said by a reason."""

    world: World
    folder: Path
    cage: Cage | NoCage
    disk: str | None  # why there is no disk of its own

    @property
    def log(self) -> str:
        return self.world.connector.log_file.read_text("utf-8")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    directory = tmp_path_factory.mktemp("small")
    folder = directory / "connector"
    with ExitStack() as limits:
        disk = limits.enter_context(small_disk(folder))
        cage: Cage | NoCage
        try:
            cage = limits.enter_context(Cage.of(megabytes=300))
        except NoCage as reason:
            cage = reason
        async with Stage.set_up(directory) as stage, AsyncExitStack() as exits:
            connector = stage.connector()
            connector.prefix = cage.prefix if isinstance(cage, Cage) else ()
            await connector.start()
            yield Machine(World(stage, connector, exits), folder, cage, disk)
            await connector.close()


@contextmanager
def small_disk(folder: Path) -> Iterator[str | None]:
    """Mounted there while the block runs; otherwise why not."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "none", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError as error:
        yield f"no disk can be mounted: {error.strerror}"
        return
    if made.returncode:
        yield f"no disk can be mounted: {made.stderr.strip()}"
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


@pytest_asyncio.fixture(loop_scope="session")
async def linked(machine: Machine) -> AsyncIterator[Linked]:
    number = await machine.world.linked()
    yield number
    await number.wants("disconnected")
    machine.world.assert_nothing_went_unanswered()


async def told(linked: Linked, code: str) -> Row:
    """The event by which the app hears of it."""

    async def look() -> Row | None:
        found = await linked.app.rows("wa_events", session_id=linked.session_id)
        return next((row for row in found if row["code"] == code), None)

    return await linked.app.until(look, PATIENCE)


async def test_out_of_memory_one_number_starts_again_and_says_why(
    machine: Machine, linked: Linked
) -> None:
    if isinstance(machine.cage, NoCage):
        pytest.skip(str(machine.cage))
    bob, connector = linked.world.somebody("Bob"), machine.world.connector
    supervisor, worker = connector.pid, linked.worker_pid()
    texts = [f"{number:03}" for number in range(40)]

    glutton = [*machine.cage.prefix, sys.executable, "-c", GLUTTON]
    eating = await asyncio.create_subprocess_exec(
        *glutton, str(machine.cage.kills_file)
    )
    for text in texts[:20]:
        await bob.says(linked.owner, text)
    await asyncio.wait_for(eating.wait(), PATIENCE)
    event = await told(linked, "worker_killed")
    for text in texts[20:]:
        await bob.says(linked.owner, text)

    assert "memory" in event["message"]
    await linked.session_is("connected", within=PATIENCE)
    row_id = await linked.sends(bob.number, "de volta")
    await linked.app.outbox_is(row_id, "delivered", within=PATIENCE)
    await linked.message(texts[-1], within=PATIENCE)
    heard = [row["body"] for row in await linked.messages(from_me=False)]
    assert connector.pid == supervisor
    assert linked.worker_pid() != worker
    # What neonize had told WhatsApp it has, and had not handed over yet, is not there.
    assert len(set(heard)) == len(heard)
    assert set(texts[20:]) <= set(heard)


async def test_out_of_file_handles_everything_waits_and_goes_on(
    machine: Machine, linked: Linked
) -> None:
    bob, connector = linked.world.somebody("Bob"), machine.world.connector
    ours = family(connector.pid)
    texts = [f"{number:03}" for number in range(5)]
    said_before = len(machine.log)

    with squeezed(ours):
        for text in texts:
            await bob.says(linked.owner, text)
        row_id = await linked.sends(bob.number, "ainda sai")
        another = await linked.app.adds_number("Sales", desired_state="connected")

        async def it_is_said() -> bool:
            return "EMFILE" in machine.log[said_before:]

        await linked.app.until(it_is_said, PATIENCE)

    await linked.app.outbox_is(row_id, "delivered", within=PATIENCE)
    await linked.app.session_is(another, "pairing", within=PATIENCE)
    assert sorted(await linked.bodies(5, within=PATIENCE)) == texts
    assert "runner failed" not in machine.log[said_before:]
    await linked.app.wants(another, "disconnected")


@contextmanager
def squeezed(pids: list[int]) -> Iterator[None]:
    """What they have open they keep; nothing can be opened besides.

    Parents come first, and have theirs back last: nobody is started who inherits the few.
    A worker of an earlier story may end meanwhile.
    """
    before: dict[int, tuple[int, int]] = {}
    for pid in pids:
        with suppress(ProcessLookupError):
            before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (FEW, before[pid][1]))
    try:
        yield
    finally:
        for pid in reversed(before):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before[pid])


async def test_on_a_full_disk_receiving_stops_in_order_and_goes_on_with_room(
    machine: Machine, linked: Linked
) -> None:
    if machine.disk is not None:
        pytest.skip(machine.disk)
    bob = linked.world.somebody("Bob")
    texts = [f"{number:03}" for number in range(60)]

    with filled(machine.folder / "somebody else's"):
        for text in texts:
            await bob.says(linked.owner, text)
        await linked.session_is("reconnecting", within=PATIENCE)
        event = await told(linked, "spool_full")
        # What is on the disk goes to Supabase all the same, and to nobody a second time.
        await linked.bodies(1, within=PATIENCE)

    await linked.wants("connected")
    await linked.session_is("connected", within=PATIENCE)
    assert sorted(await linked.bodies(60, within=PATIENCE)) == texts
    assert "64 MB" in event["message"]
    row_id = await linked.sends(bob.number, "há espaço")
    await linked.app.outbox_is(row_id, "delivered", within=PATIENCE)


@contextmanager
def filled(file: Path) -> Iterator[None]:
    """Not a byte is left for anybody."""
    with file.open("wb", buffering=0) as filler:
        for size in (2**20, 4096, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        file.unlink()
