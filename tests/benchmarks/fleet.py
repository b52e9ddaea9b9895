"""Many numbers on one connector, and how fast they are elsewhere when it is gone.

A world of its own, after everything else: nothing that is measured there disturbs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from devstack.app import App
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.whatsapp import LinkedDevice, Login, Person
from tests.benchmarks.bare_neonize import BareNeonize
from tests.benchmarks.figures import (
    Figures,
    children,
    family,
    private_mb,
    resident_mb,
)
from tests.benchmarks.scene import Linked
from tests.benchmarks.sizes import Sizes

PATIENCE: Final = 90.0
AT_ONCE: Final = 4  # numbers that are being linked
SETTLING: Final = 2.0  # seconds until what a link began is over


@dataclass
class Fleet:
    """Two connectors with the same key: one has the numbers, the other none."""

    sizes: Sizes
    stage: Stage
    app: App
    friend: Person
    holder: ConnectorProcess
    other: ConnectorProcess
    numbers: list[Linked] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def set_up(cls, directory: Path, sizes: Sizes) -> AsyncIterator[Fleet]:
        async with Stage.set_up(directory, durable=True) as stage:
            lease = {"WA_LEASE_SECONDS": str(sizes.lease_seconds)}
            holder = stage.connector("one", **lease)
            other = stage.connector("other", **lease)
            other.state_key = holder.state_key
            await holder.start()
            fleet = cls(
                sizes=sizes,
                stage=stage,
                app=await stage.app(),
                friend=stage.whatsapp.person("5521987654321", "Friend"),
                holder=holder,
                other=other,
            )
            await fleet.grow(1)
            yield fleet

    async def grow(self, count: int) -> None:
        """Until so many numbers are linked and connected. Raises TimeoutError."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def link(number: int) -> Linked:
            owner = self.stage.whatsapp.person(f"55119500{number:05}", "Owner")
            async with turns:
                return await Linked.by_qr(self.app, owner)

        more = [link(number) for number in range(len(self.numbers), count)]
        self.numbers += await asyncio.gather(*more)

    async def moves(self, end: Awaitable[object]) -> float:
        """Seconds from ending the holder until the first number is online elsewhere."""
        device = self.numbers[0].device
        logins = device.logins
        started = time.monotonic()
        ending = asyncio.ensure_future(end)
        await self.stage.whatsapp.until(
            lambda: device.logins > logins and device.is_connected, timeout=PATIENCE
        )
        took = time.monotonic() - started
        await ending
        self.holder, self.other = self.other, self.holder
        return took

    async def keep(self, count: int) -> None:
        """Only so many of the numbers connected. Raises TimeoutError."""
        leaving, self.numbers = self.numbers[count:], self.numbers[:count]
        for number in leaving:
            await self.app.wants(number.session_id, "disconnected")
        await self.stage.whatsapp.until(
            lambda: not any(number.device.is_connected for number in leaving),
            timeout=PATIENCE,
        )

    async def all_move(self) -> list[float]:
        """Stop the holder in order; for how many seconds each number was away."""
        moving = {number.device: number.device.logins for number in self.numbers}
        await self.holder.stop()
        await self.stage.whatsapp.until(
            lambda: all(one.is_connected for one in moving), timeout=PATIENCE
        )
        self.holder, self.other = self.other, self.holder
        return [
            _last_gap(self.stage.whatsapp.logins, device)
            for device, logins in moving.items()
            if device.logins > logins  # the other had its part of them before
        ]

    async def other_is_ready(self) -> None:
        """It runs, listens, and has looked for numbers."""
        log = self.other.log_file
        seen = log.read_text("utf-8").count("doorbell ready") if log.exists() else 0
        await self.other.start()

        async def look() -> bool:
            return log.read_text("utf-8").count("doorbell ready") > seen

        await self.app.until(look, within=PATIENCE)


async def handover(fleet: Fleet) -> Figures:
    """SIGTERM at the connector that has the number, while another one runs."""
    took = []
    for _ in range(fleet.sizes.handovers):
        await fleet.other_is_ready()
        took.append(await fleet.moves(fleet.holder.stop()))
    return {"handover_s": round(max(took), 2)}


def _last_gap(logins: Sequence[Login], device: LinkedDevice) -> float:
    before, after = [login for login in logins if login.device is device][-2:]
    assert before.ended_at is not None
    return (after.active_at or after.at) - before.ended_at


async def handover_of_many(fleet: Fleet) -> Figures:
    """The same with many numbers: for how long each of them is away."""
    median, longest = {}, {}
    for count in fleet.sizes.moving:
        await fleet.grow(count)
        await fleet.keep(count)
        await fleet.other_is_ready()
        away = await fleet.all_move()
        median[str(count)] = round(statistics.median(away), 1)
        longest[str(count)] = round(max(away), 1)
    return {"handover_away_p50_s": median, "handover_away_max_s": longest}


async def failover(fleet: Fleet) -> Figures:
    """A whole connector is killed, as by a power cut; its lease has to run out."""
    await fleet.other_is_ready()
    took = await fleet.moves(_power_cut(fleet.holder))
    return {"failover_s": round(took, 1), "lease_s": fleet.sizes.lease_seconds}


async def _power_cut(connector: ConnectorProcess) -> None:
    for pid in family(connector.pid):
        os.kill(pid, signal.SIGKILL)
    await connector.wait()


async def memory(fleet: Fleet) -> Figures:
    """With more and more numbers that have just been linked; beside one bare client.

    What several workers map of the Go library is shared, so one alone says too much.
    """
    supervisor, private = {}, {}
    for count in fleet.sizes.fleet:
        await fleet.grow(count)
        await asyncio.sleep(SETTLING)
        pid = fleet.holder.pid
        workers = [worker for zygote in children(pid) for worker in children(zygote)]
        supervisor[str(count)] = round(resident_mb(pid), 1)
        private[str(count)] = round(sum(map(private_mb, workers)) / len(workers), 1)
    async with BareNeonize.linked(fleet.stage, fleet.friend) as bare:
        private_bare = round(private_mb(bare.pid), 1)
    return {
        "rss_supervisor_mb": supervisor,
        "private_per_worker_mb": private,
        "private_bare_neonize_mb": private_bare,
    }
