"""Keeps one WAL stream open and hands on what it brings, batch by batch.

    connecting ──▶ streaming ──▶ (Postgres restarted, a query failed) ──▶ connecting

What is written between two streams is not captured, as on the real server; whoever is
subscribed is told by `on_lost`. A slow delivery slows the stream down: Postgres waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import asyncpg

from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.realtime.captured import CapturedChange
from devstack.supabase.gateway.realtime.replication import (
    Begin,
    Relation,
    RowChange,
    changed_relation,
    decode,
)
from devstack.supabase.gateway.realtime.snapshots import visible_to_all
from devstack.supabase.gateway.realtime.tables import Table, describe
from devstack.supabase.gateway.realtime.wal_stream import StreamLost, WalStream
from devstack.supabase.gateway.refusals import Refusal

log = logging.getLogger(__name__)
PUBLICATIONS: Final = ("supabase_realtime", "supabase_realtime_messages_publication")
RETRY_SECONDS: Final = 0.25


@dataclass(slots=True)
class _Position:
    """What earlier messages of one stream said about the next ones."""

    begin: Begin
    tables: dict[int, Table] = field(default_factory=dict)


class Capture:
    """`streaming` is set while every commit is being captured."""

    def __init__(
        self,
        url: str,
        database: Database,
        *,
        wants: Callable[[Table], bool],
        on_batch: Callable[[Sequence[CapturedChange]], Awaitable[None]],
        on_lost: Callable[[], None],
    ) -> None:
        """Rows of tables that nobody `wants` just then are passed over unread."""
        self._url = url
        self._database = database
        self._wants = wants
        self._on_batch = on_batch
        self._on_lost = on_lost
        self.streaming = asyncio.Event()

    async def run(self) -> None:
        """Never returns; ends by cancellation."""
        while True:
            try:
                await self._stream()
            except (
                StreamLost,
                Refusal,
                TimeoutError,
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
            ) as error:
                log.warning("change capture interrupted: %r", error)
            except Exception:  # supervised here: one bad change must not end Realtime
                log.exception("change capture failed")
            if self.streaming.is_set():
                self.streaming.clear()
                self._on_lost()
            await asyncio.sleep(RETRY_SECONDS)

    async def _stream(self) -> None:
        async with WalStream.open(self._url, PUBLICATIONS) as stream:
            self.streaming.set()
            position = _Position(Begin(datetime.now(UTC), 0))
            while True:
                messages = await stream.read()
                batch = await self._decoded(messages, position)
                stream.acknowledge()
                if batch:
                    xids = {change.xid for change in batch}
                    await visible_to_all(self._database, xids)
                    await self._on_batch(batch)

    async def _decoded(
        self, messages: Sequence[bytes], position: _Position
    ) -> list[CapturedChange]:
        batch = []
        wanted: dict[int, bool] = {}
        for message in messages:
            if oid := changed_relation(message):
                if oid not in wanted:
                    wanted[oid] = self._wants(position.tables[oid])
                if not wanted[oid]:
                    continue
            match decode(message):
                case Begin() as begin:
                    position.begin = begin
                case Relation() as relation:
                    table = await describe(self._database, relation)
                    position.tables[relation.oid] = table
                case RowChange() as change:
                    table = position.tables[change.relation_oid]
                    batch.append(CapturedChange(table, change, position.begin))
                case None:
                    pass
        return batch
