"""What happens to all numbers at once, and how they come back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.world import Linked, World

NUMBERS = 5


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(world: World) -> AsyncIterator[list[Linked]]:
    linked = await asyncio.gather(*(world.linked() for _ in range(NUMBERS)))
    yield linked
    for one in linked:
        await one.wants("disconnected")


async def shows(linked: Linked, code: str) -> None:
    async def look() -> bool:
        return bool((await linked.session())["state_code"] == code)

    await linked.app.until(look, 60)


async def all_are_back(fleet: list[Linked], logins: list[int]) -> None:
    """Each by one more login, and connected, and hearing what is said."""
    world = fleet[0].world
    await world.stage.whatsapp.until(
        lambda: all(
            one.device.logins > before and one.device.is_connected
            for one, before in zip(fleet, logins, strict=True)
        ),
        timeout=90,
    )
    bob = world.somebody("Bob")
    for one in fleet:
        await one.session_is("connected", within=30)
        sent = await bob.says(one.owner, "ainda aí?")
        await one.becomes(sent, bool)
    assert [one.device.logins for one in fleet] == [count + 1 for count in logins]


@pytest.mark.timeout(180)
async def test_all_numbers_come_back_from_a_broken_line_and_from_an_outage(
    fleet: list[Linked],
) -> None:
    world = fleet[0].world
    whatsapp = world.stage.whatsapp
    logins = [one.device.logins for one in fleet]

    # A line that breaks: each process dials anew by itself.
    workers = [one.worker_pid() for one in fleet]
    whatsapp.drop_everyone()
    await all_are_back(fleet, logins)
    assert [one.worker_pid() for one in fleet] == workers

    # Their processes die while WhatsApp answers nobody: they knock in turns.
    whatsapp.refuse_connections()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for one in fleet:
        await shows(one, "connect_error")
    whatsapp.accept_connections()
    await all_are_back(fleet, [count + 1 for count in logins])

    for one in fleet:
        events = await one.app.rows("wa_events", session_id=one.session_id)
        assert [event["code"] for event in events] == ["worker_killed"]
