"""A deadline by the connector's own clock, so that tests decide when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from connector.ports import Clock

Result = TypeVar("Result")


async def within(clock: Clock, seconds: float, work: Awaitable[Result]) -> Result:
    """Do `work`; cancel it when it takes longer. Raises TimeoutError."""
    return await before(clock.sleep(seconds), work)


async def before(end: Awaitable[None], work: Awaitable[Result]) -> Result:
    """Do `work`; cancel it when `end` comes first. Raises TimeoutError."""
    working = asyncio.ensure_future(work)
    waiting = asyncio.ensure_future(end)
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise TimeoutError
        return working.result()
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
