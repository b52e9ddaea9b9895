"""The baseline of sending: neonize alone, with the same store, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connector.adapters.whatsapp.process.orders import STORE_OPTIONS
from devstack.stage import Stage
from devstack.whatsapp import Person
from tests.emulator.client import Client, Neonize, neonize_jid, running_client

NUMBER = "5511955555555"
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class BareNeonize:
    """It sends to a friend, one thing after the other."""

    _client: Client
    _chat: Neonize.JID

    @classmethod
    @asynccontextmanager
    async def linked(cls, stage: Stage, friend: Person) -> AsyncIterator[BareNeonize]:
        whatsapp = stage.whatsapp
        store = stage.directory / "bare" / f"store.db{STORE_OPTIONS}"
        is_new = not store.parent.exists()
        async with running_client(whatsapp.environment, store) as client:
            if is_new:
                somebody = whatsapp.person(NUMBER, "Somebody")
                await somebody.phone.scans(await client.qr())
            await client.event(Neonize.Connected)
            bare = cls(client, neonize_jid(friend.jid))
            await bare.texts_per_s(WARM_UP)
            yield bare

    @property
    def pid(self) -> int:
        return self._client.pid

    async def texts_per_s(self, count: int) -> float:
        took = await self._client.call("send_many", self._chat, count)
        return count / float(took)

    async def files_mb_per_s(self, count: int, size: int) -> float:
        """So many different documents of `size` bytes, each from memory."""
        took = await self._client.call("send_documents", self._chat, count, size)
        return count * size / 1e6 / float(took)
