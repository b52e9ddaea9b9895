"""What every part needs: whose session it is, and what time."""

from __future__ import annotations

from datetime import datetime
from typing import NewType, Protocol

SessionId = NewType("SessionId", str)


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for what is awaited."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...
