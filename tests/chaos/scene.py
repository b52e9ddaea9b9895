"""One world: two machines, a few linked numbers, and who talks with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from devstack.connector_process import new_state_key
from devstack.stage import Stage
from devstack.whatsapp import LinkedDevice, Login
from tests.acceptance.world import Linked, World
from tests.chaos.leases import LeaseLog
from tests.chaos.machines import Machine
from tests.chaos.traffic import Stock
from tests.crashes.evidence import Receipts
from tests.crashes.talk import Company

NAMES: Final = ("first", "second")
SWEPT_WITHIN: Final = 60.0
LOOK_EVERY: Final = 0.1


@dataclass(slots=True)
class Number:
    linked: Linked
    company: Company
    stock: Stock
    receipts: Receipts

    @classmethod
    async def of(cls, world: World) -> Self:
        linked = await world.linked()
        # Nobody watches: what Realtime tells a subscriber is measured elsewhere.
        await linked.app.client.realtime.close()
        receipts = Receipts(world.stage.whatsapp, linked.device)
        return cls(linked, Company.of(linked), await Stock.of(linked), receipts)

    @property
    def session_id(self) -> str:
        return self.linked.session_id

    @property
    def device(self) -> LinkedDevice:
        return self.linked.device


@dataclass(slots=True)
class Scene:
    world: World
    machines: list[Machine]
    leases: LeaseLog
    numbers: list[Number] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def set_up(cls, directory: Path, numbers: int) -> AsyncIterator[Self]:
        """Both machines run, and all numbers are linked."""
        key = new_state_key()
        async with Stage.set_up(directory) as stage, AsyncExitStack() as exits:
            machines = [
                await exits.enter_async_context(Machine.wired(name, stage, key))
                for name in NAMES
            ]
            world = World(stage, machines[0].connector, exits)
            scene = cls(world, machines, await LeaseLog.set_up(world.local.admin_url))
            for machine in machines:
                await machine.starts()
            for _ in range(numbers):
                scene.numbers.append(await Number.of(world))
            yield scene

    def machine_for(self, number: Number, *, at_its_connector: bool) -> Machine:
        """The one that runs the number, or the other one."""
        first, second = self.machines
        runs = second if self._is_at(second, number) else first
        if at_its_connector:
            return runs
        return first if runs is second else second

    def _is_at(self, machine: Machine, number: Number) -> bool:
        """Told by WhatsApp, which knows whom it talks with."""
        connection = number.device.connection
        if connection is not None and connection.login is not None:
            return connection.login.caller == machine.caller
        return machine.runs(number.session_id)

    def logins_of(self, number: Number) -> list[Login]:
        whatsapp = self.world.stage.whatsapp
        return [one for one in whatsapp.logins if one.device is number.device]

    def sockets_of(self, number: Number, caller: str) -> list[Login]:
        """Its open ones that this connector has."""
        return [
            login
            for login in self.logins_of(number)[-5:]
            if login.ended_at is None and login.caller == caller
        ]

    async def swept(self, sessions: list[str]) -> None:
        """Until no row waits for its receipt any more, now that it is too late for it."""
        question = (
            "select count(*) from wa_outbox where session_id = any($1)"
            " and state = 'sending'"
        )
        async with self.world.database() as database, asyncio.timeout(SWEPT_WITHIN):
            while await database.fetchval(question, sessions):  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(LOOK_EVERY)

    def holder_of(self, caller: str) -> str | None:
        holders = (machine.holder(caller) for machine in self.machines)
        return next((holder for holder in holders if holder), None)

    def caller_of(self, holder: str | None) -> str | None:
        """The other way round: as whom this connector dials."""
        for machine in self.machines:
            for caller in machine.callers:
                if holder is not None and machine.holder(caller) == holder:
                    return caller
        return None
