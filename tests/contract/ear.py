"""A Realtime channel of the unmodified realtime-py that remembers what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from realtime import AsyncRealtimeChannel, RealtimeSubscribeStates
from supabase import AsyncClient

TIMEOUT = 30.0
SUBSCRIBED = RealtimeSubscribeStates.SUBSCRIBED


class Ear:
    """Queues of events, broadcasts, `system` messages and states of one channel."""

    def __init__(
        self,
        client: AsyncClient,
        topic: str,
        *,
        private: bool = False,
        own: bool = False,
        changes: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.channel: AsyncRealtimeChannel = client.channel(
            topic,
            {
                "config": {
                    "broadcast": {
                        "ack": False,
                        "self": own,
                        "replication_ready": not changes,
                    },
                    "presence": {"key": "", "enabled": False},
                    "private": private,
                }
            },
        )
        self.changes: asyncio.Queue[Any] = asyncio.Queue()
        self.broadcasts: asyncio.Queue[Any] = asyncio.Queue()
        self.systems: asyncio.Queue[Any] = asyncio.Queue()
        self.states: asyncio.Queue[tuple[Any, Exception | None]] = asyncio.Queue()
        for change in changes:
            self.channel.on_postgres_changes(
                **{"event": "*", "schema": "public"} | change,
                callback=self.changes.put_nowait,
            )
        self.channel.on_broadcast("*", self.broadcasts.put_nowait)
        self.channel.on_system(self.systems.put_nowait)

    async def open(self) -> Ear:
        """Return when the database's changes and broadcasts reach this channel."""
        await self.channel.subscribe(self._on_state)
        state, error = await self.next_state()
        assert state == SUBSCRIBED, error
        await self.next_system()
        return self

    async def try_to_open(self) -> tuple[Any, Exception | None]:
        await self.channel.subscribe(self._on_state)
        return await self.next_state()

    async def next_change(self) -> dict[str, Any]:
        """The `data` of the next postgres_changes event."""
        event = await asyncio.wait_for(self.changes.get(), TIMEOUT)
        data: dict[str, Any] = event["data"]
        return data

    async def next_broadcast(self) -> dict[str, Any]:
        broadcast: dict[str, Any] = await asyncio.wait_for(
            self.broadcasts.get(), TIMEOUT
        )
        return broadcast

    async def next_system(self) -> str:
        message = await asyncio.wait_for(self.systems.get(), TIMEOUT)
        return str(message.message)

    async def next_state(self) -> tuple[Any, Exception | None]:
        return await asyncio.wait_for(self.states.get(), TIMEOUT)

    def _on_state(self, state: Any, error: Exception | None) -> None:
        self.states.put_nowait((state, error))
