"""From the outbox to WhatsApp, and the bare insert as its baseline."""

from __future__ import annotations

import asyncio
import time

import httpx

from connector.adapters.whatsapp.process.orders import STORE_OPTIONS
from tests.benchmarks.figures import Figures, percentiles
from tests.benchmarks.scene import Scene
from tests.emulator.client import Neonize, neonize_jid, running_client

MESSAGES = 60
AT_ONCE = 200
WARM_UP = 10
BARE_INSERTS = 200


async def latency(scene: Scene) -> Figures:
    """REST insert begun → frame at WhatsApp, one after the other, unpaced."""
    durations = []
    for number in range(MESSAGES):
        known = set(scene.arrived)
        started = time.monotonic()
        row = await scene.app.sends(
            scene.session_id, scene.friend.number, f"latency {number}"
        )
        await scene.friend.hears(timeout=20)
        fresh = next(iter(set(scene.arrived) - known))
        durations.append(scene.arrived[fresh] - started)
        await scene.app.outbox_is(row, "sent", "delivered", "read")
    return {"outbox_to_wire_ms": percentiles(durations[5:])}


async def throughput(scene: Scene) -> Figures:
    """200 rows in one statement, first to last frame, against neonize's bare loop."""
    bare = await _bare_loop(scene)
    known = set(scene.arrived)
    rows = [
        {
            "session_id": scene.session_id,
            "to": scene.friend.number,
            "kind": "text",
            "payload": {"text": f"throughput {number}"},
        }
        for number in range(AT_ONCE)
    ]
    started = time.monotonic()
    await scene.app.client.table("wa_outbox").insert(rows).execute()
    async with asyncio.timeout(60):
        while len(scene.arrived) - len(known) < AT_ONCE:
            await scene.friend.hears(timeout=20)
    times = [at for name, at in scene.arrived.items() if name not in known]
    rate = AT_ONCE / (max(times) - min(times))
    return {
        "sends_per_s_unpaced": round(rate),
        "sends_bare_neonize_per_s": round(bare),
        "sends_of_bare_neonize": round(rate / bare, 2),
        "outbox_200_rows_s": round(max(times) - started, 2),
    }


async def _bare_loop(scene: Scene) -> float:
    """The baseline: neonize alone, with the same store, in a process of its own."""
    whatsapp = scene.stage.whatsapp
    somebody = whatsapp.person("5511955555555", "Somebody")
    store = scene.stage.directory / "bare" / f"store.db{STORE_OPTIONS}"
    async with running_client(whatsapp.environment, store) as client:
        await somebody.phone.scans(await client.qr())
        await client.event(Neonize.Connected)
        chat = neonize_jid(scene.friend.jid)
        await client.call("send_many", chat, WARM_UP)
        return AT_ONCE / float(await client.call("send_many", chat, AT_ONCE))


async def gateway(scene: Scene) -> Figures:
    """One row into a table without triggers that matter: what REST itself costs."""
    keys = scene.stage.supabase.keys
    headers = {"apikey": keys.secret, "prefer": "return=minimal"}
    url = f"{scene.stage.supabase.url}/rest/v1/wa_workspaces"
    durations = []
    async with httpx.AsyncClient(headers=headers, timeout=10) as client:
        for number in range(BARE_INSERTS):
            started = time.monotonic()
            answer = await client.post(url, json={"name": f"bench {number}"})
            durations.append(time.monotonic() - started)
            answer.raise_for_status()
    return {"gateway_insert_ms": percentiles(durations[20:])}
