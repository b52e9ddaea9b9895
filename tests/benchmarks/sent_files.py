"""Files from Storage to WhatsApp, and the same by neonize alone from memory."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.benchmarks.bare_neonize import BareNeonize
from tests.benchmarks.figures import Figures
from tests.benchmarks.footprint import Footprint
from tests.benchmarks.scene import Scene

SECONDS_TO_GIVE_BACK: Final = 3.0  # after the last of the large files has left


async def rate(scene: Scene) -> Figures:
    """Documents in one statement, each another: statement begun to last frame."""
    count, size = scene.sizes.documents, scene.sizes.document_bytes
    async with BareNeonize.linked(scene.stage, scene.friend) as neonize:
        bare = await neonize.files_mb_per_s(count, size)
    rows = await _documents(scene, size)
    started = time.monotonic()
    times = await scene.sends(rows)
    ours = count * size / 1e6 / (max(times) - started)
    return {
        "media_send_mb_per_s": round(ours, 1),
        "media_send_bare_neonize_mb_per_s": round(bare, 1),
        "media_send_of_bare_neonize": round(ours / bare, 2),
    }


async def memory(scene: Scene) -> Figures:
    """What large files take while they are sent, and what of it is kept."""
    rows = await _documents(scene, scene.sizes.large_document_bytes)
    processes = scene.processes_of(scene.first)
    async with Footprint.watched(**processes) as footprint:
        await scene.sends(rows)
        await asyncio.sleep(SECONDS_TO_GIVE_BACK)
    return {
        "media_send_extra_mb": round(sum(map(footprint.extra_mb, processes)), 1),
        "media_send_extra_supervisor_mb": round(footprint.extra_mb("supervisor"), 1),
        "media_send_extra_worker_mb": round(footprint.extra_mb("worker"), 1),
        "media_send_left_mb": round(sum(map(footprint.left_mb, processes)), 1),
    }


async def _documents(scene: Scene, size: int) -> Sequence[dict[str, Any]]:
    """Rows for files that are in Storage, where a member has put them."""
    bucket = scene.app.client.storage.from_("wa-media")
    folder = f"{scene.app.workspace_id}/outbox/{secrets.token_hex(8)}"
    paths = [f"{folder}/{number}.bin" for number in range(scene.sizes.documents)]
    for path in paths:
        await bucket.upload(path, secrets.token_bytes(size))
    return [{"kind": "document", "payload": {"storage_path": path}} for path in paths]
