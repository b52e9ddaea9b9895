"""The baseline of storing: the same batches, by nothing but a loop around the RPC."""

from __future__ import annotations

import time
from collections.abc import Sequence

import asyncpg
import httpx
from supabase import AsyncClientOptions, acreate_client

from connector.adapters.supabase import rows
from connector.domain.incoming import Incoming
from connector.ingestion.intake import LARGEST_BATCH
from tests.benchmarks.scene import Scene

REQUEST_SECONDS = 60.0


async def messages_per_s(scene: Scene, incoming: Sequence[Incoming]) -> float:
    """Store for a number that no connector runs, in batches as large as the connector's."""
    session_id = await unattended_number(scene)
    starts = range(0, len(incoming), LARGEST_BATCH)
    batches = [rows.batch(incoming[at : at + LARGEST_BATCH]) for at in starts]
    supabase = scene.stage.supabase
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
        client = await acreate_client(
            supabase.url, supabase.keys.secret, AsyncClientOptions(httpx_client=http)
        )
        started = time.monotonic()
        for batch in batches:
            call = {"p_session_id": session_id, "p_term": 1, "p_batch": batch}
            await client.rpc("wa_store_batch", call).execute()
        took = time.monotonic() - started
    return sum(len(batch["messages"]) for batch in batches) / took


async def unattended_number(scene: Scene) -> str:
    """Its lease has been held, so that writes are admitted, and nobody holds it now."""
    session_id = await scene.app.adds_number("Bare")
    connection = await asyncpg.connect(scene.stage.supabase.database_url)
    try:
        await connection.execute(
            "update wa_private.session_leases set term = 1 where session_id = $1",
            session_id,
        )
    finally:
        await connection.close()
    return session_id
