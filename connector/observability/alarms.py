"""What of this process's figures an operator should be told: decided here, nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Final

LATEST: Final = 1.0  # seconds the event loop may be late
BETWEEN_WARNINGS: Final = timedelta(minutes=10)
WINDOW: Final = timedelta(minutes=10)
WINDOWS: Final = 6  # an hour of growth without a break
LEAST_GROWTH: Final = 20
LEAST_SHARE: Final = 0.25  # of what it was at first
# Megabytes of one number's process: four times what a busy one takes.
LARGEST_WORKER: Final = 200
# What should not grow for ever, by what a warning calls it.
_COUNTS: Final[Mapping[str, Callable[[Observation], int]]] = {
    "threads": attrgetter("threads"),
    "open_files": attrgetter("open_files"),
    "worker_threads": attrgetter("worker_threads"),
    "worker_open_files": attrgetter("worker_open_files"),
    "worker_memory": attrgetter("worker_mb"),
}
ABOUT: Final = ("loop_lag", *_COUNTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    at: float  # monotonic seconds
    loop_lag: float  # the worst since the last one, seconds
    threads: int
    open_files: int
    # Of the worker that has most: among two hundred, one that leaks changes no sum.
    worker_threads: int = 0
    worker_open_files: int = 0
    worker_mb: int = 0
    sessions: int  # more of them explain more of everything


class Growth:
    """Whether something only ever grows: the least of each window, window after window."""

    def __init__(self) -> None:
        self._least: deque[int] = deque(maxlen=WINDOWS)
        self._sessions: deque[int] = deque(maxlen=WINDOWS)
        self._ends = 0.0
        self._now: int | None = None
        self._most_sessions = 0

    def observe(self, at: float, count: int, sessions: int) -> bool:
        """Take note; return whether a window ended that makes it steady growth."""
        if self._now is None:
            self._begin(at, count, sessions)
            return False
        if at < self._ends:
            self._now = min(self._now, count)
            self._most_sessions = max(self._most_sessions, sessions)
            return False
        self._least.append(self._now)
        self._sessions.append(self._most_sessions)
        self._begin(at, count, sessions)
        if steady := self._is_steady():
            self._least.clear()  # another hour of it is another warning
            self._sessions.clear()
        return steady

    def _begin(self, at: float, count: int, sessions: int) -> None:
        self._ends = at + WINDOW.total_seconds()
        self._now, self._most_sessions = count, sessions

    def _is_steady(self) -> bool:
        least = list(self._least)
        grew = least[-1] - least[0]
        return (
            len(least) == WINDOWS
            and all(early < late for early, late in pairwise(least))
            and grew >= max(LEAST_GROWTH, least[0] * LEAST_SHARE)
            and max(self._sessions) <= self._sessions[0]
        )


class Alarms:
    def __init__(self) -> None:
        self._growths: dict[str, Growth] = {}
        self._due: set[str] = set()
        self._told_at = float("-inf")

    def observe(self, seen: Observation) -> tuple[str, ...]:
        """What to warn of now, if anything; what comes too soon is told with the next."""
        if seen.loop_lag > LATEST:
            self._due.add("loop_lag")
        if seen.worker_mb > LARGEST_WORKER:
            self._due.add("worker_memory")
        for what, count in _COUNTS.items():
            growth = self._growths.setdefault(what, Growth())
            if growth.observe(seen.at, count(seen), seen.sessions):
                self._due.add(what)
        soon = seen.at - self._told_at < BETWEEN_WARNINGS.total_seconds()
        if not self._due or soon:
            return ()
        self._told_at = seen.at
        due, self._due = tuple(sorted(self._due)), set()
        return due
