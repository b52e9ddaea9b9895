"""The worker of one session: whatever is cancelled, none is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from connector.ports import WorkerEvent
from connector.sessions.held_lease import HeldLease
from connector.sessions.running_worker import RunningWorker
from tests.fakes.running import Scene


async def deaf(_: WorkerEvent) -> None:
    return


async def test_a_launch_cancelled_the_moment_it_succeeds_leaves_a_worker_to_end() -> (
    None
):
    scene = Scene()
    (lease,) = (await scene.leases.claim([], 1)).leases
    held = HeldLease(lease, scene.clock, ask_now=lambda: None)
    async with asyncio.TaskGroup() as tasks:
        running = RunningWorker(held, scene.launcher, scene.clock, tasks, deaf)
        launching = asyncio.create_task(running.launch())
        loop = asyncio.get_running_loop()
        scene.launcher.on_launch = lambda: loop.call_soon(launching.cancel)
        with pytest.raises(asyncio.CancelledError):
            await launching
        assert scene.launcher.alive

        await running.stop()

    assert not scene.launcher.alive
