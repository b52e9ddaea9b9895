"""When a row was committed, without asking again and again.

Triggers that only the benchmark's database has notify this process at commit.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

# A notification takes 8,000 bytes. Once a statement: 50,000 rows are told in passing.
MESSAGES = """
create or replace function public.bench_messages() returns trigger language plpgsql as $$
begin
  perform pg_notify('bench_messages', string_agg(told.whatsapp_id, ' '))
  from (
    select fresh.whatsapp_id, row_number() over () / 100 as page
    from fresh
    where fresh.whatsapp_id is not null
  ) as told
  group by told.page;
  return null;
end $$;
create or replace trigger bench_messages after insert on public.wa_messages
referencing new table as fresh for each statement execute function public.bench_messages();
"""
FILES = """
create or replace function public.bench_files() returns trigger language plpgsql as $$
begin
  perform pg_notify('bench_files', message.whatsapp_id)
  from public.wa_messages as message where message.id = new.message_id;
  return null;
end $$;
create or replace trigger bench_files after update on public.wa_attachments
for each row when (new.state = 'stored') execute function public.bench_files();
"""


class CommitObserver:
    """Monotonic times of commit by WhatsApp message id."""

    def __init__(self) -> None:
        self.committed: dict[str, float] = {}
        self._news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def watching(
        cls, database_url: str, triggers: str
    ) -> AsyncIterator[CommitObserver]:
        """`triggers` tell ids on the channel that has their function's name."""
        observer = cls()
        [channel] = re.findall(r"function public\.(\w+)\(\) returns", triggers)
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(triggers)
            await connection.add_listener(channel, observer._note)
            yield observer
        finally:
            await connection.execute(f"drop function public.{channel}() cascade")
            await connection.close()

    def _note(self, *notification: object) -> None:
        now = time.monotonic()
        for whatsapp_id in str(notification[-1]).split():
            self.committed[whatsapp_id] = now
        self._news.set()

    async def until(self, ids: list[str], within: float) -> None:
        """Wait for these rows. Raises TimeoutError."""
        missing = set(ids)
        async with asyncio.timeout(within):
            while missing := {one for one in missing if one not in self.committed}:
                self._news.clear()
                await self._news.wait()
