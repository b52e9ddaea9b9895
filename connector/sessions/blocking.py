"""Work that is never left half done: whoever cancels it waits until it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


async def whole(work: Callable[[], Result]) -> Result:
    """Do something that blocks, in a thread."""
    return await to_its_end(asyncio.to_thread(work))


async def to_its_end(work: Awaitable[Result]) -> Result:
    """Do something that has an end of its own, soon."""
    doing = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise
