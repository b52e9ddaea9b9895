"""What our processes take, read from /proc: nothing is asked of them."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_PRIVATE: Final = ("Private_Clean:", "Private_Dirty:")
_KILOBYTE: Final = 1024


class Process(enum.StrEnum):
    SUPERVISOR = "supervisor"
    ZYGOTE = "zygote"
    WORKERS = "workers"  # one a number
    FILES = "files"  # where strangers' files are converted


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    count: int = 0
    private_bytes: int = 0
    worst_private_bytes: int = 0
    threads: int = 0
    worst_threads: int = 0
    open_files: int = 0
    worst_open_files: int = 0


def usages(supervisor: int, zygote: int) -> Mapping[Process, Usage]:
    """What each kind of process takes; one that ends meanwhile is left out."""
    parents = _parents()
    children = {pid for pid, parent in parents.items() if parent == supervisor}
    workers = [pid for pid, parent in parents.items() if parent == zygote]
    return {
        Process.SUPERVISOR: _together([supervisor]),
        Process.ZYGOTE: _together([zygote]),
        Process.WORKERS: _together(workers),
        Process.FILES: _together(children - {zygote}),
    }


def _together(pids: Iterable[int]) -> Usage:
    found = [usage for pid in pids if (usage := _usage(pid)) is not None]
    return Usage(
        count=len(found),
        private_bytes=sum(one.private_bytes for one in found),
        worst_private_bytes=max((one.private_bytes for one in found), default=0),
        threads=sum(one.threads for one in found),
        worst_threads=max((one.threads for one in found), default=0),
        open_files=sum(one.open_files for one in found),
        worst_open_files=max((one.open_files for one in found), default=0),
    )


def _usage(pid: int) -> Usage | None:
    folder = PROC / str(pid)
    try:
        return Usage(
            count=1,
            private_bytes=_private_bytes(folder),
            threads=_entries(folder / "task"),
            open_files=_entries(folder / "fd"),
        )
    except OSError:
        return None


def _entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _private_bytes(folder: Path) -> int:
    try:
        rollup = (folder / "smaps_rollup").read_text("ascii")
    except OSError:  # a kernel without it: shared pages of files are not ours, either
        _, resident, shared, *_ = (folder / "statm").read_text("ascii").split()
        return (int(resident) - int(shared)) * _PAGE
    lines = (line.split() for line in rollup.splitlines())
    return sum(int(line[1]) for line in lines if line[0] in _PRIVATE) * _KILOBYTE


def _parents() -> dict[int, int]:
    parents = {}
    for folder in PROC.glob("[0-9]*"):
        if (parent := _parent(folder)) is not None:
            parents[int(folder.name)] = parent
    return parents


def _parent(folder: Path) -> int | None:
    try:
        # Its name stands in brackets and may hold anything, even brackets.
        state, parent = (
            (folder / "stat").read_text("latin-1").rpartition(")")[2].split()[:2]
        )
    except (OSError, ValueError):
        return None
    return None if state == "Z" else int(parent)
