"""One world for the stories that leave it whole; a world of one's own for the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.world import Linked, World
from tests.postgres_template import postgres_template


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def _template(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    async with postgres_template(tmp_path_factory.mktemp("template")):
        yield


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_world(directory: Path) -> AsyncIterator[World]:
    async with World.begin(directory) as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:
    """The shared world; afterwards nothing may have been left unanswered."""
    yield shared_world
    shared_world.assert_nothing_went_unanswered()


@pytest_asyncio.fixture(loop_scope="session")
async def linked(world: World) -> AsyncIterator[Linked]:
    """A number of its own for each story."""
    number = await world.linked()
    yield number
    await number.wants("disconnected")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _number(shared_world: World) -> AsyncIterator[Linked]:
    number = await shared_world.linked()
    yield number
    await number.wants("disconnected")


@pytest.fixture
def number(_number: Linked, world: World) -> Linked:  # noqa: ARG001 - it looks afterwards
    """One for all stories of a module: they look only at what they brought about.

    Linking costs a second. Whatever befalls the number itself needs one of its own.
    """
    return _number


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(tmp_path: Path) -> AsyncIterator[World]:
    """For stories that break something everybody uses."""
    async with World.begin(tmp_path) as world:
        yield world
        world.assert_nothing_went_unanswered()
