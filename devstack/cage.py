"""A memory limit that is the kernel's own: a control group, where this machine has one to give.

    with Cage.of(megabytes=256) as cage:
        connector.prefix = cage.prefix      # it and its children, from their first page on
        ...
        cage.peak_mb, cage.kills            # what they took, and whom the kernel ended

Needs root, and a cgroup file system that may be written to: version 1 or 2.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

V1: Final = Path("/sys/fs/cgroup/memory")
V2: Final = Path("/sys/fs/cgroup")
# A shell becomes a member, and then the program: nothing it ever takes is uncounted.
ENTER: Final = 'echo $$ > "$0" && exec "$@"'
GONE_WITHIN: Final = 10.0  # seconds, until its last process is buried
_MEGABYTE: Final = 1024 * 1024


class NoCage(Exception):
    """This machine has no control group to give; the message says why."""


@dataclass(frozen=True, slots=True)
class Cage:
    folder: Path
    is_v2: bool

    @classmethod
    @contextmanager
    def of(cls, megabytes: int) -> Iterator[Cage]:
        """Raises NoCage."""
        cage = _made()
        try:
            _limit(cage, megabytes * _MEGABYTE)
            yield cage
        finally:
            _remove(cage.folder)

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command, to have it run in here."""
        return ("/bin/sh", "-c", ENTER, str(self.folder / "cgroup.procs"))

    @property
    def peak_mb(self) -> float:
        """The most that was ever taken, files in the kernel's cache included."""
        name = "memory.peak" if self.is_v2 else "memory.max_usage_in_bytes"
        return int((self.folder / name).read_text("ascii")) / _MEGABYTE

    @property
    def kills_file(self) -> Path:
        """Where the kernel counts them, as `oom_kill` and a number."""
        return self.folder / ("memory.events" if self.is_v2 else "memory.oom_control")

    @property
    def kills(self) -> int:
        """How many processes the kernel has ended for want of memory."""
        lines = self.kills_file.read_text("ascii").splitlines()
        return int(dict(line.split() for line in lines).get("oom_kill", 0))


def _made() -> Cage:
    is_v2 = (V2 / "cgroup.controllers").exists()
    parent = V2 if is_v2 else V1
    folder = parent / f"zapbase-{secrets.token_hex(6)}"
    try:
        folder.mkdir()
    except OSError as error:
        raise NoCage(f"no control group can be made: {error.strerror}") from error
    if not (folder / ("memory.max" if is_v2 else "memory.limit_in_bytes")).exists():
        folder.rmdir()
        raise NoCage("control groups here do not limit memory")
    return Cage(folder, is_v2)


def _limit(cage: Cage, size: int) -> None:
    if cage.is_v2:
        limits = {"memory.max": size, "memory.swap.max": 0}
    else:  # the second is of memory and swap together
        limits = {"memory.limit_in_bytes": size, "memory.memsw.limit_in_bytes": size}
    for name, limit in limits.items():
        with suppress(FileNotFoundError):  # a kernel that does not count swap
            (cage.folder / name).write_text(str(limit), "ascii")


def _remove(folder: Path) -> None:
    """Once its last process is buried."""
    deadline = time.monotonic() + GONE_WITHIN
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)
        else:
            return
