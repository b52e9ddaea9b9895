"""What the kernel says of memory and files, in the words of either kind of control group."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.machine import MOST_OPEN_FILES, Memory, allow_open_files

MB = 1024 * 1024


class Machine:
    """A made-up /proc and /sys/fs/cgroup."""

    def __init__(self, folder: Path) -> None:
        self.memory = Memory(folder / "proc", folder / "groups")
        self._folder = folder

    def writes(self, path: str, text: object) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", "ascii")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.writes(
        "proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\nHugePages: 0"
    )
    return machine


def test_without_a_control_group_the_machine_counts(machine: Machine) -> None:
    assert machine.memory.limit() == 1024 * MB
    assert machine.memory.available() == 512 * MB


@pytest.mark.parametrize("named", ["/", "/docker/abc"])
def test_a_container_s_limit_counts_wherever_it_is_mounted(
    machine: Machine, named: str
) -> None:
    machine.writes("proc/self/cgroup", f"0::{named}")
    machine.writes("groups/memory.max", 256 * MB)
    machine.writes("groups/memory.current", 200 * MB)
    machine.writes(
        "groups/memory.stat", f"inactive_file {20 * MB}\nactive_file {30 * MB}"
    )

    assert machine.memory.limit() == 256 * MB
    # What the cache holds gives way; what is in use of it is read again at once.
    assert machine.memory.available() == (56 + 20 + 15) * MB


def test_the_tightest_of_nested_groups_counts(machine: Machine) -> None:
    machine.writes("proc/self/cgroup", "0::/outer/inner")
    for name, limit, used in (("outer", 256, 250), ("outer/inner", 512, 10)):
        machine.writes(f"groups/{name}/memory.max", limit * MB)
        machine.writes(f"groups/{name}/memory.current", used * MB)

    assert machine.memory.limit() == 256 * MB
    assert machine.memory.available() == 6 * MB


def test_the_first_version_is_understood(machine: Machine) -> None:
    machine.writes("proc/self/cgroup", "4:memory:/box\n1:cpu:/\n0::/")
    machine.writes("groups/memory/box/memory.limit_in_bytes", 128 * MB)
    machine.writes("groups/memory/box/memory.usage_in_bytes", 128 * MB)
    machine.writes("groups/memory/box/memory.stat", f"total_inactive_file {8 * MB}")

    assert machine.memory.limit() == 128 * MB
    assert machine.memory.available() == 8 * MB


def test_no_limit_is_no_limit(machine: Machine) -> None:
    machine.writes("proc/self/cgroup", "0::/")
    machine.writes("groups/memory.max", "max")
    machine.writes("groups/memory.current", 10 * MB)

    assert machine.memory.limit() == 1024 * MB


def test_where_nobody_says_anything_nothing_is_known(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "proc", tmp_path / "groups")

    assert (memory.limit(), memory.available()) == (None, None)


@pytest.fixture
def few_files() -> Iterator[None]:
    """As a login shell has it: few at first, more for whoever asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_files")
def test_the_soft_limit_of_open_files_is_raised() -> None:
    allowed = allow_open_files()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert allowed == soft
    assert soft in (hard, MOST_OPEN_FILES)
    assert allow_open_files() == allowed
