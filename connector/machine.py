"""How much memory and how many files there are to be had, as the kernel says it.

A limit may be the machine's or a control group's (a container's); the tighter one counts.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
GROUPS: Final = Path("/sys/fs/cgroup")
# More than any machine of ours needs; some systems allow a thousand million.
MOST_OPEN_FILES: Final = 65_536
_KILOBYTE: Final = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; asked anew each time. Where the kernel does not say, there is no limit."""

    proc: Path = PROC
    groups: Path = GROUPS

    def limit(self) -> int | None:
        """What all our processes together may take."""
        limits = [group.limit for group in self._groups()]
        total = _meminfo(self.proc).get("MemTotal")
        return min([*limits, *([] if total is None else [total])], default=None)

    def available(self) -> int | None:
        """What may be taken now before the kernel ends somebody for it."""
        left = [group.available for group in self._groups()]
        free = _meminfo(self.proc).get("MemAvailable")
        return min([*left, *([] if free is None else [free])], default=None)

    def _groups(self) -> Iterator[_Group]:
        for folder in _folders(self.proc, self.groups):
            if (group := _Group.read(folder)) is not None:
                yield group


@dataclass(frozen=True, slots=True)
class _Group:
    """A control group that limits memory."""

    limit: int
    available: int

    @classmethod
    def read(cls, folder: Path) -> _Group | None:
        """None when it limits nothing."""
        limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
        if limit is None or used is None:
            return None
        told = _figures(folder / "memory.stat")
        # Version 1 counts the groups below apart.
        idle = told.get("total_inactive_file", told.get("inactive_file", 0))
        active = told.get("total_active_file", told.get("active_file", 0))
        # Files in the cache give way; the active half of them would be read again at once.
        return cls(limit, max(0, limit - used + idle + active // 2))


def allow_open_files() -> int:
    """How many files a process of ours may have open, once the soft limit is raised.

    The hard limit is an administrator's; the soft one (often 1,024) is for programs that
    still use select(). Children inherit it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else hard
    wanted = min(wanted, MOST_OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_OPEN_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS promises more than it gives
        return soft
    return wanted


def _folders(proc: Path, groups: Path) -> Iterator[Path]:
    """Our control group and those around it, in either version, named or mounted as /."""
    for line in _text(proc / "self/cgroup").splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers in ("", "memory"):
            mount = groups / controllers
            inner = mount / name.strip("/")
            yield from (
                folder
                for folder in (inner, *inner.parents)
                if folder.is_relative_to(mount)
            )


def _number(*files: Path) -> int | None:
    """Of the first that is there; None for "max" as well."""
    text = next((text for file in files if (text := _text(file).strip())), "")
    return int(text) if text.isdecimal() else None


def _figures(file: Path) -> Mapping[str, int]:
    pairs = (line.split() for line in _text(file).splitlines())
    return {name: int(number) for name, number in pairs}


def _meminfo(proc: Path) -> Mapping[str, int]:
    lines = (line.split() for line in _text(proc / "meminfo").splitlines())
    return {line[0].rstrip(":"): int(line[1]) * _KILOBYTE for line in lines}


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except OSError:
        return ""
