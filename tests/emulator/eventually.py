"""Waiting for what a client knows but does not announce."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")

# neonize has no event for what it learns from app state: asking again is the only way.
BETWEEN_QUESTIONS = 0.02  # seconds


async def eventually(
    ask: Callable[[], Awaitable[Answer]],
    holds: Callable[[Answer], object],
    within: float = 30.0,
) -> Answer:
    """The first answer for which `holds` is true. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - as said above
            await asyncio.sleep(BETWEEN_QUESTIONS)
    return answer
