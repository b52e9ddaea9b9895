"""Realtime as a whole: what is captured meets who is joined."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.database import Database
from devstack.supabase.gateway.realtime.capture import Capture
from devstack.supabase.gateway.realtime.captured import CapturedChange
from devstack.supabase.gateway.realtime.changes import ChangeFeed
from devstack.supabase.gateway.realtime.channels import LARGEST_BROADCAST, Services
from devstack.supabase.gateway.realtime.frames import FramedBroadcast, dumps
from devstack.supabase.gateway.realtime.replication import ChangeKind
from devstack.supabase.gateway.realtime.tables import Table
from devstack.supabase.gateway.realtime.topics import Topics
from devstack.supabase.gateway.refusals import Refusal

log = logging.getLogger(__name__)
PURGE_SECONDS = 3600.0
PURGE = "delete from realtime.messages where inserted_at < now() - interval '3 days'"


class Hub:
    """Topics, subscriptions and the capture that feeds them."""

    def __init__(self, config: GatewayConfig, database: Database) -> None:
        self._database = database
        self.topics = Topics()
        self._feed = ChangeFeed(database)
        self._capture = Capture(
            config.admin_url,
            database,
            wants=lambda table: _holds_messages(table) or self._feed.wants(table),
            on_batch=self._deliver,
            on_lost=self._feed.lose,
        )
        self.services = Services(
            config=config,
            database=database,
            topics=self.topics,
            feed=self._feed,
            capturing=self._capture.streaming,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._capture.run()),
            asyncio.create_task(self._purge()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, batch: Sequence[CapturedChange]) -> None:
        changes = []
        for captured in batch:
            if _holds_messages(captured.table):
                self._broadcast_message(captured)
            else:
                changes.append(captured)
        await self._feed.deliver(changes)

    def _broadcast_message(self, captured: CapturedChange) -> None:
        """A row of realtime.messages: what `realtime.send` wrote."""
        if captured.kind is not ChangeKind.INSERT:
            return
        names = (column.name for column in captured.table.columns)
        row = dict(zip(names, captured.subject, strict=True))
        topic, event, payload = row["topic"], row["event"], row["payload"]
        if not (
            isinstance(topic, str)
            and isinstance(event, str)
            and isinstance(payload, str)
        ):
            return
        if len(payload) > LARGEST_BROADCAST:
            log.warning("a message from the database is too large and was not sent")
            return
        broadcast = FramedBroadcast(
            event=event, payload=payload.encode(), meta=dumps({"id": row["id"]})
        )
        self.topics.broadcast((topic, row["private"] == "t"), broadcast)

    async def _purge(self) -> None:
        """Messages are kept for three days, as hosted."""
        while True:
            try:
                async with self._database.as_admin() as connection:
                    await connection.execute(PURGE)
            except Refusal as refusal:
                log.warning("old messages were not purged: %s", refusal)
            await asyncio.sleep(PURGE_SECONDS)


def _holds_messages(table: Table) -> bool:
    """The real table has a partition a day, named after it."""
    return table.schema == "realtime" and table.name.startswith("messages")
