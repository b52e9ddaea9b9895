"""When is a commit that was read from the log also seen by others?

Postgres logs a commit a moment before its rows become visible to new snapshots, and a
streamed log arrives within that moment: a row looked up at once is not found yet. So
whoever acts on the log waits until a snapshot counts its transactions as ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from devstack.supabase.gateway.database import Database

XID_RANGE = 1 << 32  # the log knows the lower half of a transaction id
RETRY_SECONDS = 0.0005
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`first_unstarted`: this id and all later ones had not ended; lower halves."""

    first_unstarted: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """`pg_current_snapshot()::text`: xmin:xmax:running,…"""
        _, first_unstarted, running = text.split(":")
        return cls(
            int(first_unstarted) % XID_RANGE,
            frozenset(int(xid) % XID_RANGE for xid in running.split(",") if xid),
        )

    def sees(self, xid: int) -> bool:
        """Ids are compared on a circle, as Postgres does."""
        ahead = (xid - self.first_unstarted) % XID_RANGE < XID_RANGE // 2
        return not ahead and xid not in self.running


async def visible_to_all(database: Database, xids: Collection[int]) -> None:
    """Return once new snapshots see these committed transactions.

    Raises TimeoutError, or an asyncpg error when Postgres is away.
    """
    async with asyncio.timeout(TIMEOUT):
        while True:
            text = await database.admin.fetchval("select pg_current_snapshot()::text")
            snapshot = Snapshot.parse(text)
            if all(snapshot.sees(xid) for xid in xids):
                return
            await asyncio.sleep(RETRY_SECONDS)
