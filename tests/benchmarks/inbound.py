"""From WhatsApp to the table, and on to whoever watches it."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
from realtime import RealtimePostgresChangesListenEvent
from realtime.types import PostgresChangesPayload

from tests.benchmarks.figures import Figures, percentiles
from tests.benchmarks.scene import Scene

PER_SECOND = 10
MESSAGES = 100
BURST = 2_000
BATCH = 500


async def latency(scene: Scene) -> Figures:
    """Frame to committed row, and to a member's Realtime event, at 10 a second."""
    events = EventTimes()
    await events.watch(scene)
    await _warm_up(scene)
    ids = []
    for number in range(MESSAGES):
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
    ids = [
        (await scene.friend.says(scene.owner, f"warm-up {number}")).whatsapp_id
        for number in range(20)
    ]
    await scene.commits.until(ids, within=20)


async def burst(scene: Scene) -> Figures:
    """2,000 live messages at once, from first frame to last commit; and a bare RPC loop."""
    ids = [
        (await scene.friend.says(scene.owner, f"burst {number}")).whatsapp_id
        for number in range(BURST)
    ]
    await scene.commits.until(ids, within=60)
    began = min(scene.left[each] for each in ids)
    ended = max(scene.commits.committed[each] for each in ids)
    rate = BURST / (ended - began)
    bare = await _bare_loop(scene)
    return {
        "ingest_per_s": round(rate),
        "ingest_bare_rpc_per_s": round(bare),
        "ingest_of_bare_rpc": round(rate / bare, 2),
    }


async def _bare_loop(scene: Scene) -> float:
    """The baseline: batches of 500 that need no WhatsApp, one after the other."""
    keys = scene.stage.supabase.keys
    headers = {"apikey": keys.secret, "content-type": "application/json"}
    url = f"{scene.stage.supabase.url}/rest/v1/rpc/wa_store_batch"
    bodies = [_batch(scene, first) for first in range(0, BURST, BATCH)]
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        started = time.monotonic()
        for body in bodies:
            (await client.post(url, content=body)).raise_for_status()
        return BURST / (time.monotonic() - started)


def _batch(scene: Scene, first: int) -> bytes:
    chat = str(scene.friend.lid)
    messages: list[dict[str, object]] = [
        {
            "whatsapp_id": f"BARE{number:06}",
            "chat_jid": chat,
            "from_me": False,
            "sender_jid": chat,
            "sender_name": "Friend",
            "kind": "text",
            "body": f"bare {number}",
            "content": {},
            "quoted_whatsapp_id": None,
            "mentions": [],
            "sent_at": "2026-01-02T12:00:00+00:00",
            "status": "delivered",
            "source": "live",
        }
        for number in range(first, first + BATCH)
    ]
    batch = {
        "aliases": [],
        "contacts": [{"jid": chat, "push_name": "Friend"}],
        "chats": [{"jid": chat, "kind": "direct", "name": None}],
        "messages": messages,
        "receipts": [],
    }
    return json.dumps(
        {"p_session_id": scene.session_id, "p_term": 1, "p_batch": batch}
    ).encode()
