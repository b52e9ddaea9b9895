"""A number's keys leave one session and come to another: whole, once, and only at rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.errors import LeaseLost, SupabaseUnavailable
from connector.keys.exported import PURPOSE, ExportUnusable
from connector.keys.moving import Exported, Moving, NotMoved
from connector.ports import SessionId
from connector.sealed_state import StateSeal
from connector.sealing import Sealer
from tests.contract.kept_machine import AT_REST, KEY, OTHER_KEY, Machine
from tests.fakes.clock import HurriedClock
from tests.fakes.device_states import MemoryStateKeys, MemoryStates
from tests.fakes.supabase import ANA

BOB = SessionId("bob")
SEALER = Sealer([KEY], PURPOSE)


class Project:
    """One session of a project, and the commands of its operator."""

    def __init__(self, folder: Path, session_id: SessionId, key: bytes) -> None:
        self.folder = folder
        self.session_id = session_id
        self.key = key
        self.states = MemoryStates()
        self.leases = MemoryStateKeys(self.states)
        self.moving = Moving(
            states=self.states,
            leases=self.leases,
            seal=lambda session_id: StateSeal.of(session_id, [key]),
            clock=HurriedClock(),
        )

    def machine(self, name: str) -> Machine:
        return Machine(
            self.folder / name, self.states, self.key, session_id=self.session_id
        )

    async def exports(self, path: Path, sealer: Sealer = SEALER) -> Exported:
        async with self.moving.resting(self.session_id) as resting:
            with path.open("wb") as file:
                return await self.moving.export(resting, file, sealer)

    async def imports(
        self, path: Path, sealer: Sealer = SEALER, *, replace: bool = False
    ) -> SessionId:
        return await self.moving.bring_in(
            path, self.session_id, sealer, replace=replace
        )


def _content(file: Path) -> bytes:
    return file.read_bytes()


def _shorten(file: Path) -> None:
    file.write_bytes(_content(file)[:-1])


@pytest.fixture
async def ours(tmp_path: Path) -> Project:
    """With a number that has said something, and rests."""
    project = Project(tmp_path / "ours", ANA, KEY)
    machine = project.machine("machine")
    await machine.links()
    machine.store.say("one", "x" * 2_000_000)
    machine.store.close()
    await machine.saves(AT_REST)
    return project


@pytest.fixture
def theirs(tmp_path: Path) -> Project:
    return Project(tmp_path / "theirs", BOB, OTHER_KEY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ana.zapbase"


async def test_a_number_goes_on_in_another_project_with_new_ratchets(
    ours: Project, theirs: Project, file: Path
) -> None:
    exported = await ours.exports(file)
    assert exported.complete
    assert await theirs.imports(file) == BOB

    machine = theirs.machine("machine")
    await machine.kept.bring(1)

    assert machine.store.said[0] == "one"
    assert machine.store.ratchets == 0
    assert not ours.leases.is_held
    assert not theirs.leases.is_held


async def test_nothing_in_the_file_can_be_read(ours: Project, file: Path) -> None:
    await ours.exports(file)

    content = _content(file)
    assert b"5511900000001" not in content
    assert b"xxxxxx" not in content
    assert b"whatsmeow" not in content


async def test_a_number_comes_back_and_its_old_folder_gives_way(
    ours: Project, theirs: Project, file: Path
) -> None:
    await ours.exports(file)
    await theirs.imports(file)
    there = theirs.machine("machine")
    await there.kept.bring(1)
    there.store.say("there")
    there.store.close()
    await there.saves(AT_REST)
    back = file.with_suffix(".back")
    await theirs.exports(back)

    with pytest.raises(NotMoved, match="--replace"):
        await ours.imports(back)
    await ours.imports(back, replace=True)
    machine = ours.machine("machine")
    await machine.kept.bring(9)

    assert machine.store.said[-1] == "there"


async def test_what_was_moved_is_not_left_where_it_was(
    ours: Project, file: Path
) -> None:
    async with ours.moving.resting(ANA) as resting:
        with file.open("wb") as out:
            await ours.moving.export(resting, out, SEALER)
        await ours.moving.forget(resting)

    machine = ours.machine("machine")
    await machine.kept.bring(9)

    assert machine.local.paired_lineage() is None
    with pytest.raises(NotMoved, match="no number"):
        await ours.exports(file)


async def test_what_runs_or_is_to_run_is_neither_exported_nor_replaced(
    ours: Project, file: Path
) -> None:
    await ours.exports(file)
    before = ours.states.newest
    ours.leases.is_held = True

    with pytest.raises(NotMoved, match="'disconnected'"):
        await ours.exports(file.with_suffix(".again"))
    with pytest.raises(NotMoved, match="'disconnected'"):
        await ours.imports(file, replace=True)
    ours.leases.is_held = False
    ours.leases.desired_state = "connected"
    with pytest.raises(NotMoved, match="never run twice"):
        await ours.exports(file.with_suffix(".again"))

    assert ours.states.newest == before


async def test_a_file_that_cannot_be_used_changes_nothing(
    ours: Project, file: Path
) -> None:
    await ours.exports(file)
    before = ours.states.newest

    with pytest.raises(ExportUnusable, match="--key-file"):
        await ours.imports(file, Sealer([OTHER_KEY], PURPOSE), replace=True)
    _shorten(file)
    with pytest.raises(ExportUnusable, match="copied whole"):
        await ours.imports(file, replace=True)

    assert ours.states.newest == before


@pytest.mark.parametrize("calls", range(4))
async def test_an_import_that_is_cut_off_is_none_and_is_made_again(
    ours: Project, theirs: Project, file: Path, calls: int
) -> None:
    await ours.exports(file)
    theirs.states.failures = [None] * calls + [SupabaseUnavailable()]
    with pytest.raises(SupabaseUnavailable):
        await theirs.imports(file)
    machine = theirs.machine("empty")
    await machine.kept.bring(1)
    assert machine.local.paired_lineage() is None

    await theirs.imports(file)

    await machine.kept.bring(1)
    assert machine.store.said[0] == "one"


async def test_a_session_that_begins_to_run_meanwhile_is_let_alone(
    ours: Project, theirs: Project, file: Path
) -> None:
    await ours.exports(file)
    theirs.states.failures = [None, LeaseLost()]

    with pytest.raises(NotMoved, match="meanwhile"):
        await theirs.imports(file)

    assert theirs.states.newest is None
