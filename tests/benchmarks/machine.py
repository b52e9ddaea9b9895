"""Memory of the connector's processes after all that, and how fast it is back."""

from __future__ import annotations

import time

from tests.benchmarks.figures import (
    Figures,
    children,
    private_mb,
    proportional_mb,
    resident_mb,
)
from tests.benchmarks.scene import Scene

NUMBERS = 3


async def memory(scene: Scene) -> Figures:
    """After everything else, with two more numbers; the first had all the bursts.

    What several workers map of the Go library is shared, so one alone says too much.
    """
    for number in range(1, NUMBERS):
        await scene.link(scene.stage.whatsapp.person(f"551195555000{number}", "More"))
    supervisor = scene.connector.pid
    zygote = children(supervisor)
    workers = [worker for parent in zygote for worker in children(parent)]
    return {
        "rss_supervisor_used_mb": round(resident_mb(supervisor), 1),
        "supervisor_and_zygote_mb": round(proportional_mb([supervisor, *zygote]), 1),
        "private_of_the_busiest_mb": round(max(map(private_mb, workers)), 1),
    }


async def resume(scene: Scene) -> Figures:
    """Planned stop, then from the start of the process until WhatsApp sees the device."""
    started = time.monotonic()
    await scene.connector.stop()
    stop_s = time.monotonic() - started
    started = time.monotonic()
    await scene.connector.start()
    await scene.device.connected(timeout=30)
    return {
        "planned_stop_s": round(stop_s, 2),
        "resume_s": round(time.monotonic() - started, 2),
    }
