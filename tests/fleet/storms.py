"""A storm: something happens to all numbers at once, and what it takes until they are back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.fleet.fleet import Fleet
from tests.fleet.toll import Toll

Figures: TypeAlias = dict[str, float]
SHARES = (50, 90, 100)  # per cent


@dataclass
class Storm:
    """Measured from when it is over, which `ended` says; Unix seconds."""

    fleet: Fleet
    figures: Figures = field(default_factory=dict)
    _ended: float = 0.0

    def ended(self) -> None:
        self._ended = time.time()

    async def watch(self) -> None:
        fleet = self.fleet
        for share in SHARES:
            count = -(-len(fleet.devices) * share // 100)
            with suppress(TimeoutError):  # then some are left behind
                at = await fleet.until_online(count, self._ended)
                self.figures[f"online_{share}_percent_s"] = round(at - self._ended, 1)
        self.figures["left_behind"] = await fleet.left_behind()
        self.figures["all_rows_connected_s"] = round(time.time() - self._ended, 1)
        self._count_logins()

    def _count_logins(self) -> None:
        book = self.fleet.stage.whatsapp.logins
        logins = [login.at for login in book if login.at >= self._ended]
        a_second = Counter(int(at - self._ended) for at in logins)
        self.figures["logins"] = len(logins)
        self.figures["most_logins_a_second"] = max(a_second.values(), default=0)


@asynccontextmanager
async def _storm(fleet: Fleet) -> AsyncIterator[Storm]:
    """With what it took of the connector, whose processes stay."""
    storm = Storm(fleet)
    before = Toll.now(fleet.connector.pid)
    yield storm
    await storm.watch()
    after = Toll.now(fleet.connector.pid)
    storm.figures |= {
        "workers_replaced": len(after.workers - before.workers),
        "supervisor_cpu_s": round(after.supervisor_cpu - before.supervisor_cpu, 1),
        "all_cpu_s": round(after.all_cpu - before.all_cpu, 1),
        "supervisor_mb": round(after.supervisor_mb, 1),
    }


async def dropped(fleet: Fleet) -> Figures:
    """Every socket breaks; WhatsApp can be reached all the time."""
    async with _storm(fleet) as storm:
        storm.ended()
        fleet.stage.whatsapp.drop_everyone()
    return storm.figures


async def away(fleet: Fleet, seconds: float) -> Figures:
    """Nobody reaches WhatsApp for so long."""
    async with _storm(fleet) as storm:
        fleet.stage.whatsapp.refuse_connections()
        fleet.stage.whatsapp.drop_everyone()
        await asyncio.sleep(seconds)
        fleet.stage.whatsapp.accept_connections()
        storm.ended()
    return storm.figures


async def restarted(fleet: Fleet) -> Figures:
    """The machine loses power, and starts again at once."""
    await fleet.connector.kill()
    for device in fleet.devices:
        await device.disconnected()
    await fleet.connector.start()
    async with _storm(fleet) as storm:
        storm.ended()
    return storm.figures
