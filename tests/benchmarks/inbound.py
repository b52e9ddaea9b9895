"""From WhatsApp to the table, and on to whoever watches it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from realtime import RealtimePostgresChangesListenEvent
from realtime.types import PostgresChangesPayload

from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, ChatKind, Message, Person, Source, Status
from tests.benchmarks import bare
from tests.benchmarks.figures import Figures, percentiles
from tests.benchmarks.scene import Scene

PER_SECOND = 10
WARM_UP = 20


async def latency(scene: Scene) -> Figures:
    """Frame to committed row, and to a member's Realtime event, at 10 a second."""
    events = EventTimes()
    await events.watch(scene)
    await _warm_up(scene)
    ids = []
    for number in range(scene.sizes.latencies):
        sent = await scene.friend.says(scene.owner, f"latency {number}")
        ids.append(sent.whatsapp_id)
        await asyncio.sleep(1 / PER_SECOND)
    await scene.commits.until(ids, within=20)
    await events.until(ids, within=20)
    return {
        "inbound_to_row_ms": percentiles(
            [scene.commits.committed[each] - scene.left[each] for each in ids]
        ),
        "inbound_to_event_ms": percentiles(
            [events.seen[each] - scene.left[each] for each in ids]
        ),
    }


class EventTimes:
    """When Realtime showed each message to a member of the workspace."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self._news = asyncio.Event()

    async def watch(self, scene: Scene) -> None:
        channel = scene.app.client.channel("bench").on_postgres_changes(
            RealtimePostgresChangesListenEvent.Insert,
            schema="public",
            table="wa_messages",
            callback=self._note,
        )
        await channel.subscribe()

    def _note(self, change: PostgresChangesPayload) -> None:
        record = change["data"]["record"]
        if record is not None:
            self.seen.setdefault(record["whatsapp_id"], time.monotonic())
        self._news.set()

    async def until(self, ids: list[str], within: float) -> None:
        async with asyncio.timeout(within):
            while not all(each in self.seen for each in ids):
                self._news.clear()
                await self._news.wait()


async def _warm_up(scene: Scene) -> None:
    ids = await scene.friend_says("warm-up", WARM_UP)
    await scene.commits.until(ids, within=20)


async def burst(scene: Scene) -> Figures:
    """Live messages at once, from first frame to last commit; and a bare RPC loop."""
    ids = await scene.friend_says("burst", scene.sizes.burst)
    await scene.commits.until(ids, within=60)
    began = min(scene.left[each] for each in ids)
    ended = max(scene.commits.committed[each] for each in ids)
    rate = len(ids) / (ended - began)
    rpc = await bare.messages_per_s(scene, as_spooled(scene, len(ids)))
    return {
        "ingest_per_s": round(rate),
        "ingest_bare_rpc_per_s": round(rpc),
        "ingest_of_bare_rpc": round(rate / rpc, 2),
    }


def as_spooled(scene: Scene, count: int) -> list[Incoming]:
    """What the connector makes of so many texts from the friend, for a baseline."""
    lid, phone = Jid.parse(str(scene.friend.lid)), Jid.parse(str(scene.friend.jid))
    person = Person(lid=lid, phone=phone)
    return [
        Message(
            whatsapp_id=f"BARE{number:08}",
            chat=Chat(jid=lid, kind=ChatKind.DIRECT, alias=phone),
            from_me=False,
            sender=person,
            sender_name="Friend",
            kind="text",
            body=f"bare {number}",
            sent_at=datetime.now(UTC),
            source=Source.LIVE,
            status=Status.DELIVERED,
        )
        for number in range(count)
    ]
