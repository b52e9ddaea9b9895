"""The system's clock, behind the port that tests replace."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

_NEVER_STANDS_STILL: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic() -> float:
    """Seconds, the same in all processes of a machine, also of the time it slept.

    Leases run out meanwhile, but Linux stops the clock that Python calls monotonic.
    """
    return time.clock_gettime(_NEVER_STANDS_STILL)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
