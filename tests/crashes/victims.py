"""Who is killed, and how it comes back."""

from __future__ import annotations

import enum
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.acceptance.world import Linked

RECOVERY: Final = 60.0  # seconds until all is as it was


class Victim(enum.StrEnum):
    WORKER = "worker"
    SUPERVISOR = "supervisor"  # its workers notice, and end in order
    CONNECTOR = "connector"  # all its processes at once, as a power cut would
    GATEWAY = "gateway"
    POSTGRES = "postgres"


# WhatsApp has been told "received" of what such a kill may find in neonize's memory.
HOLD_MESSAGES: Final = frozenset({Victim.WORKER, Victim.SUPERVISOR, Victim.CONNECTOR})


async def kill(victim: Victim, linked: Linked) -> None:
    """By SIGKILL; returns when it is dead, and the socket of a worker has ended."""
    world = linked.world
    match victim:
        case Victim.WORKER:
            await _kill_worker(linked)
        case Victim.SUPERVISOR:
            await world.connector.kill()
        case Victim.CONNECTOR:
            kill_all(family(world.connector.pid))
            await world.connector.wait()
        case Victim.GATEWAY:
            await world.local.gateway.kill()
        case Victim.POSTGRES:
            await world.local.postgres.kill()


async def bring_back(victim: Victim, linked: Linked) -> None:
    """Start it again at once; the worker's supervisor does that by itself."""
    world = linked.world
    match victim:
        case Victim.WORKER:
            return
        case Victim.SUPERVISOR | Victim.CONNECTOR:
            await world.connector.start()
        case Victim.GATEWAY:
            await world.local.gateway.start()
        case Victim.POSTGRES:
            await world.local.postgres.start()


async def _kill_worker(linked: Linked) -> None:
    """The process of the number, once there is one: it may be on its way back."""
    while True:
        await linked.device.connected(timeout=RECOVERY)
        try:
            os.kill(linked.worker_pid(), signal.SIGKILL)
        except (LookupError, ProcessLookupError):
            # Dead already, and WhatsApp has yet to notice.
            await linked.device.disconnected(timeout=RECOVERY)
        else:
            await linked.device.disconnected(timeout=RECOVERY)
            return


def family(pid: int) -> list[int]:
    """A process and all it started, their parent first: it is to notice nothing.

    Any of them may end while they are listed, or just afterwards.
    """
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return [pid]
    return [pid, *(each for child in text.split() for each in family(int(child)))]


def kill_all(pids: Iterable[int]) -> None:
    """By SIGKILL, in their order; who has ended has ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
