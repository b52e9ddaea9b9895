"""From the outbox to WhatsApp, and the bare insert as its baseline."""

from __future__ import annotations

import time

import httpx

from tests.benchmarks.bare_neonize import BareNeonize
from tests.benchmarks.figures import Figures, percentiles
from tests.benchmarks.scene import Scene

MESSAGES = 60
AT_ONCE = 200
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
    async with BareNeonize.linked(scene.stage, scene.friend) as neonize:
        bare = await neonize.texts_per_s(AT_ONCE)
    rows = [
        {"kind": "text", "payload": {"text": f"throughput {number}"}}
        for number in range(AT_ONCE)
    ]
    started = time.monotonic()
    times = await scene.sends(rows)
    rate = AT_ONCE / (max(times) - min(times))
    return {
        "sends_per_s_unpaced": round(rate),
        "sends_bare_neonize_per_s": round(bare),
        "sends_of_bare_neonize": round(rate / bare, 2),
        "outbox_200_rows_s": round(max(times) - started, 2),
    }


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
