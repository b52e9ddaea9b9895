from __future__ import annotations

import pytest

from tests.fakes.delivering import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene.connected()
