"""Two machines that know of each other only what is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.kept_machine import Machine
from tests.fakes.device_states import MemoryStates


@pytest.fixture
def states() -> MemoryStates:
    return MemoryStates()


@pytest.fixture
def here(tmp_path: Path, states: MemoryStates) -> Machine:
    return Machine(tmp_path / "here", states)


@pytest.fixture
def elsewhere(tmp_path: Path, states: MemoryStates) -> Machine:
    return Machine(tmp_path / "elsewhere", states)
