"""Whether the event loop turns, and the end of a process whose loop does not.

    turns late   -> a figure, and a warning (alarms.py)
    turns no more -> /healthz says so; after 90 s the process writes where it hangs and ends,
                     so that whoever restarts it can: nothing else would

Ending is safe at any line; workers die with their zygote's parent. Hanging is not: leases
run out, and what is received is not stored.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

BEAT: Final = 1.0
LOOK: Final = 5.0
STUCK_FOR: Final = 90.0
FAILED: Final = 1

log = structlog.get_logger()


class Pulse:
    def __init__(self, late: Callable[[float], None]) -> None:
        """`late(seconds)` hears at every beat how late it came."""
        self._late = late
        self._last = time.monotonic()
        self._worst = 0.0

    @property
    def silent_seconds(self) -> float:
        """Since the last beat."""
        return time.monotonic() - self._last

    def worst(self) -> float:
        """The latest beat since this was asked last, in seconds."""
        worst, self._worst = self._worst, 0.0
        return worst

    async def run(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(BEAT)
            self._last = time.monotonic()
            lag = max(self._last - began - BEAT, 0.0)
            self._worst = max(self._worst, lag)
            self._late(lag)


def end_process() -> None:
    """Write where every thread is (files and lines, no values) and end at once."""
    log.error("event loop stuck, ending", seconds=STUCK_FOR)
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    os._exit(FAILED)


class Watchdog:
    """A thread that looks at the pulse and counts its own looks.

    A machine that was frozen, or had no processor to spare, is not taken for stuck: the
    thread stood still as well.
    """

    def __init__(
        self,
        pulse: Pulse,
        end: Callable[[], None] = end_process,
        *,
        look: float = LOOK,
        stuck_for: float = STUCK_FOR,
    ) -> None:
        self._pulse = pulse
        self._end = end
        self._look = look
        self._most_looks = round(stuck_for / look)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        in_vain = 0
        while not self._stopped.wait(self._look):
            in_vain = in_vain + 1 if self._pulse.silent_seconds > self._look else 0
            if in_vain >= self._most_looks:
                self._end()
                return
