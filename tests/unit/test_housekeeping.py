"""Rubbish goes out every hour, by the rules of whoever knows what rubbish is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from connector.errors import SupabaseUnavailable
from connector.housekeeping.housekeeping import Housekeeping
from connector.ports import SessionId
from connector.ports.housekeeping import OrphanedFiles, Tidied
from tests.fakes.clock import NOON, ManualClock
from tests.fakes.housekeeping import MemoryFiles, MemoryFolders, MemoryStore

ANA, BIA = SessionId("ana"), SessionId("bia")
MINUTE, HOUR = 60.0, 3600.0


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    folders: MemoryFolders = field(default_factory=MemoryFolders)
    chance: float = 0.0

    @property
    def housekeeping(self) -> Housekeeping:
        return Housekeeping(
            store=self.store,
            files=self.files,
            folders=self.folders,
            clock=self.clock,
            chance=lambda: self.chance,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.housekeeping.run())
        yield
        assert not task.done()
        task.cancel()


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- When ------------------------------------------------------------------------------


@pytest.mark.parametrize(("chance", "first", "again"), [(0.0, 5, 54), (0.9, 9.5, 64.8)])
async def test_it_begins_when_a_start_is_over_and_comes_back_each_hour(
    scene: Scene, chance: float, first: float, again: float
) -> None:
    scene.chance = chance
    async with scene.running():
        await scene.clock.advance(first * MINUTE - 1)
        assert scene.store.calls == 0
        await scene.clock.advance(2)
        assert scene.store.calls == 1

        await scene.clock.advance(again * MINUTE - 2)
        assert scene.store.calls == 1
        await scene.clock.advance(2)
        assert scene.store.calls == 2


async def test_while_supabase_is_away_it_asks_ever_more_seldom_and_never_ends(
    scene: Scene,
) -> None:
    scene.store.rows.extend(SupabaseUnavailable() for _ in range(30))
    async with scene.running():
        await scene.clock.advance(5 * MINUTE)
        await scene.clock.advance(HOUR)
        assert 3 <= scene.store.calls <= 5

        await scene.clock.advance(24 * HOUR)
        assert len(scene.store.rows) == 0


async def test_an_error_of_ours_does_not_end_the_connector(scene: Scene) -> None:
    scene.store.rows.append(ZeroDivisionError())
    scene.store.rows.append(Tidied(done={"forget_events": 1}))
    async with scene.running():
        await scene.clock.advance(5 * MINUTE)
        await scene.clock.advance(MINUTE)

        assert scene.store.calls == 2


# --- Rows and files ----------------------------------------------------------------------


async def test_it_goes_on_until_there_is_no_more_with_a_pause_for_others(
    scene: Scene,
) -> None:
    scene.store.rows.extend(Tidied(more=True) for _ in range(3))
    async with scene.running():
        await scene.clock.advance(5 * MINUTE)
        assert scene.store.calls == 1

        await scene.clock.advance(1)
        assert scene.store.calls == 4
        await scene.clock.advance(HOUR / 2)
        assert scene.store.calls == 4


async def test_files_are_removed_as_they_are_named_a_hundred_at_a_time(
    scene: Scene,
) -> None:
    paths = [f"{n}.jpg" for n in range(150)]
    scene.store.orphans.append(OrphanedFiles(paths=paths, more=True))
    scene.store.orphans.append(OrphanedFiles(paths=["last.jpg"]))
    async with scene.running():
        await scene.clock.advance(5 * MINUTE)
        assert scene.files.removed == [paths[:100], paths[100:]]

        await scene.clock.advance(1)
        assert scene.files.removed[2:] == [["last.jpg"]]


# --- Folders of sessions that are gone ---------------------------------------------------


async def test_the_folder_of_a_session_that_was_here_and_is_deleted_goes(
    scene: Scene,
) -> None:
    scene.folders.projects = {ANA: None, BIA: None}
    scene.store.sessions = {ANA, BIA}
    await scene.housekeeping.tidy_up()
    assert scene.folders.projects == {ANA: "ours", BIA: "ours"}

    scene.store.sessions = {BIA}
    await scene.housekeeping.tidy_up()

    assert scene.folders.discarded == [ANA]
    assert scene.folders.projects == {BIA: "ours"}


async def test_another_project_knows_nothing_of_our_sessions_and_deletes_none(
    scene: Scene,
) -> None:
    scene.folders.projects = {ANA: "ours"}
    scene.store.project = "another"

    await scene.housekeeping.tidy_up()

    assert scene.folders.projects == {ANA: "ours"}


async def test_a_session_that_was_never_seen_here_is_not_taken_for_deleted(
    scene: Scene,
) -> None:
    scene.folders.projects = {ANA: None}

    await scene.housekeeping.tidy_up()

    assert scene.folders.projects == {ANA: None}


async def test_what_was_never_stored_of_a_deleted_session_is_kept_for_a_week(
    scene: Scene,
) -> None:
    scene.folders.projects = {ANA: "ours", BIA: "ours"}
    scene.folders.needed = {ANA}

    await scene.housekeeping.tidy_up()
    assert scene.folders.discarded == [BIA]
    await scene.clock.advance(7 * 24 * HOUR)
    await scene.housekeeping.tidy_up()
    assert scene.folders.aside == {ANA: NOON}
    await scene.clock.advance(1)
    await scene.housekeeping.tidy_up()

    assert scene.folders.discarded == [BIA, ANA]
    assert scene.folders.aside == {}


async def test_a_session_that_is_there_again_gets_back_what_was_set_aside(
    scene: Scene,
) -> None:
    scene.folders.projects = {ANA: "ours"}
    scene.folders.needed = {ANA}
    await scene.housekeeping.tidy_up()

    scene.store.sessions = {ANA}  # from a backup
    await scene.clock.advance(8 * 24 * HOUR)
    await scene.housekeeping.tidy_up()

    assert scene.folders.projects == {ANA: "ours"}
    assert scene.folders.discarded == []


async def test_while_supabase_is_away_no_folder_is_looked_at(scene: Scene) -> None:
    scene.folders.projects = {ANA: "ours"}
    scene.store.rows.append(SupabaseUnavailable())

    with pytest.raises(SupabaseUnavailable):
        await scene.housekeeping.tidy_up()

    assert scene.folders.discarded == []
