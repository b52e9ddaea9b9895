"""Work that blocks, in a thread, and is never left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def whole(work: Callable[[], Result]) -> Result:
    """Do something that blocks in a thread; whoever cancels waits until it is done."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise
