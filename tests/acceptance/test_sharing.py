"""Connectors come, leave in order and die, and share the numbers that are left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from devstack.connector_process import ConnectorProcess
from devstack.whatsapp import Login, Person
from tests.acceptance.world import Linked, World
from tests.crashes.victims import family, kill_all

NUMBERS = 3
# So that stories need not wait half a minute for a lease to expire.
SHORT_LEASE = {"WA_LEASE_SECONDS": "10", "WA_POLL_SECONDS": "1"}
PATIENCE = 60.0
SENT = ("sent", "delivered", "read")
_HOLDERS = (
    "select session_id::text as session_id, holder from wa_private.session_leases"
    " where expires_at > now()"
)


@dataclass
class Talk:
    """Somebody and one number, who answer each other for as long as they may."""

    linked: Linked
    somebody: Person
    said: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    async def says(self, text: str) -> None:
        self.said.append(text)
        await self.somebody.says(self.linked.owner, text)

    async def goes_on(self, mark: str, enough: asyncio.Event) -> None:
        count = 0
        while not enough.is_set():
            count += 1
            await self.says(f"{mark} {count}")
            await self.linked.message(f"{mark} {count}", within=PATIENCE)
            await self.writes(f"{mark} {count}")

    async def writes(self, text: str) -> None:
        self.written.append(text)
        row = await self.linked.sends(self.somebody.number, text)
        await self.linked.app.outbox_is(row, *SENT, within=PATIENCE)

    async def assert_nothing_is_lost_or_doubled(self) -> None:
        assert await self.linked.bodies(len(self.said)) == self.said
        assert [heard.text for heard in self.somebody.heard] == self.written


@dataclass
class Fleet:
    """One WhatsApp, one Supabase, some numbers, and machines that come and go."""

    world: World
    talks: list[Talk]

    def machine(self, name: str) -> ConnectorProcess:
        return self.world.stage.connector(
            name, WA_STATE_KEY=self.world.connector.state_key, **SHORT_LEASE
        )

    async def holders(self) -> dict[str, str]:
        """Who holds which session."""
        async with self.world.database() as database:
            rows = await database.fetch(_HOLDERS)
        return {row["session_id"]: row["holder"] for row in rows}

    async def shared(self, *counts: tuple[ConnectorProcess, int]) -> None:
        """Until each machine holds so many, and nobody else any."""

        async def look() -> bool:
            wanted = {_name(machine): count for machine, count in counts}
            return Counter((await self.holders()).values()) == wanted

        await self.talks[0].linked.app.until(look, within=PATIENCE)

    async def all_online(self) -> None:
        for talk in self.talks:
            await talk.linked.device.connected(timeout=PATIENCE)

    @asynccontextmanager
    async def moving_at_most_once(self) -> AsyncIterator[None]:
        """Each number logs in once more at most, and as many as change hands do."""
        devices = [talk.linked.device for talk in self.talks]
        before, held = [device.logins for device in devices], await self.holders()
        yield
        await self.all_online()
        after = [device.logins for device in devices]
        moved = sum(
            holder != held[key] for key, holder in (await self.holders()).items()
        )
        once = [now - was for was, now in zip(before, after, strict=True)]
        assert set(once) <= {0, 1}
        assert sum(once) == moved
        print("seconds offline", self.gaps())  # noqa: T201 - with -s, for whoever asks

    @asynccontextmanager
    async def talking(self, mark: str) -> AsyncIterator[None]:
        """All numbers are talked to and answer, meanwhile and once more afterwards."""
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for talk in self.talks:
                tasks.create_task(talk.goes_on(mark, enough))
            yield
            enough.set()

    def gaps(self) -> list[float]:
        """Seconds that each number was offline when it last moved; 0: it never did."""
        book = self.world.stage.whatsapp.logins
        return [
            _last_gap([one for one in book if one.device is talk.linked.device])
            for talk in self.talks
        ]

    async def assert_nobody_was_thrown_out(self) -> None:
        assert [
            login.pushed_out
            for login in self.world.stage.whatsapp.logins
            if login.pushed_out is not None
        ] == []
        async with self.world.database() as database:
            codes = await database.fetch("select distinct code from wa_events")
        assert {row["code"] for row in codes}.isdisjoint({"replaced", "runner_failed"})


def _name(machine: ConnectorProcess) -> str:
    """As its leases say it; empty until it has started."""
    file = machine.data_folder / "holder"
    return file.read_text("utf-8") if file.exists() else ""


def _last_gap(logins: list[Login]) -> float:
    if len(logins) < 2:
        return 0.0
    before, after = logins[-2:]
    assert before.ended_at is not None
    return (after.active_at or after.at) - before.ended_at


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    async with World.begin(tmp_path, **SHORT_LEASE) as world:
        talks = []
        for at in range(NUMBERS):
            linked = await world.linked()
            talks.append(Talk(linked, world.somebody(f"Somebody {at}")))
        yield Fleet(world, talks)
        world.assert_nothing_went_unanswered()


@pytest.mark.timeout(300)
async def test_machines_come_leave_and_die_and_their_numbers_go_on(
    fleet: Fleet,
) -> None:
    first, second, third = fleet.world.connector, *map(fleet.machine, ("2nd", "3rd"))
    await fleet.shared((first, NUMBERS))

    async with fleet.talking("while one joins"), fleet.moving_at_most_once():
        await second.start()
        await fleet.shared((first, 2), (second, 1))
    async with fleet.talking("while one leaves"), fleet.moving_at_most_once():
        assert await second.stop() == 0
        await fleet.shared((first, NUMBERS))
    await third.start()
    await fleet.shared((first, 2), (third, 1))
    await power_cut(first)
    for talk in fleet.talks:
        await talk.says("into the dark")
    await fleet.shared((third, NUMBERS))
    async with fleet.talking("after one died"):
        await fleet.all_online()
        for talk in fleet.talks:
            # What the dead machine's unsaved keys would have opened is asked for again.
            await talk.linked.message("into the dark", within=PATIENCE)

    for talk in fleet.talks:
        await talk.assert_nothing_is_lost_or_doubled()
    await fleet.assert_nobody_was_thrown_out()


async def power_cut(machine: ConnectorProcess) -> None:
    kill_all(family(machine.pid))
    await machine.wait()
