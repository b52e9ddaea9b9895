"""What fills once and stays: it has to be full before a slope can tell a leak.

pydantic, with which realtime-py reads its frames, keeps 16,384 short strings to use them
again (1.5 MB, for the whole process), and each broadcast brings an id that never comes
again. Some 30,000 fill it: half an hour's traffic brings a third of them, and rises by as
much as a leak of 1 MB an hour would.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

BROADCASTS: Final = 40_000
# No faster than they are read: what waits to be read would make room that hides a leak.
AT_ONCE: Final = 100
PAUSE: Final = 0.1  # seconds
_BROADCAST: Final = """
select realtime.send('{}', 'warm_up', 'wa:connectors', true) from generate_series(1, $1)
"""


async def ring_in_vain(database_url: str) -> None:
    """Let every connector read broadcasts that mean nothing to it; takes a minute."""
    connection = await asyncpg.connect(database_url)
    try:
        for _ in range(0, BROADCASTS, AT_ONCE):
            await connection.execute(_BROADCAST, AT_ONCE)
            await asyncio.sleep(PAUSE)
    finally:
        await connection.close()
