"""When a row was committed, without asking again and again.

A trigger that only the benchmark's database has notifies this process at commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

CHANNEL = "bench_messages"
TRIGGER = f"""
create or replace function public.bench_note() returns trigger language plpgsql as $$
begin
  perform pg_notify('{CHANNEL}', new.whatsapp_id);
  return null;
end $$;
create or replace trigger bench_note after insert on public.wa_messages
for each row when (new.whatsapp_id is not null) execute function public.bench_note();
"""


class CommitObserver:
    """Monotonic times of commit by WhatsApp message id."""

    def __init__(self) -> None:
        self.committed: dict[str, float] = {}
        self._news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def watching(cls, database_url: str) -> AsyncIterator[CommitObserver]:
        observer = cls()
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(TRIGGER)
            await connection.add_listener(CHANNEL, observer._note)
            yield observer
        finally:
            await connection.execute("drop function public.bench_note() cascade")
            await connection.close()

    def _note(self, *notification: object) -> None:
        self.committed[str(notification[-1])] = time.monotonic()
        self._news.set()

    async def until(self, ids: list[str], within: float) -> None:
        """Wait for these rows. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while not all(each in self.committed for each in ids):
                self._news.clear()
                await self._news.wait()
