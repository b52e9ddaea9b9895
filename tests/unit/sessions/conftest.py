from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from connector.sessions.runner import SessionRunner
from tests.fakes.running import Scene


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def runner(scene: Scene) -> AsyncIterator[SessionRunner]:
    async with scene.running() as runner:
        yield runner
