"""What only time shows. Three numbers wait for it at once: each for half a minute or more."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from devstack.app import App, Row
from devstack.whatsapp import UnknownCode
from tests.acceptance.world import Linked, World

pytestmark = pytest.mark.xdist_group("what only time shows")

NOTICED = 90.0  # seconds, on a busy machine


@dataclass(frozen=True, slots=True)
class Unscanned:
    """A number whose first QR nobody scanned, and the row once the last had expired."""

    app: App
    session_id: str
    first: str
    expired: Row


@dataclass(frozen=True, slots=True)
class LongWaits:
    """Numbers that something befell, and what their rows said of it."""

    world: World
    half_open: asyncio.Task[tuple[Linked, Row]]
    frozen: asyncio.Task[tuple[Linked, Row]]
    unscanned: asyncio.Task[Unscanned]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def waits(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LongWaits]:
    async with World.begin(tmp_path_factory.mktemp("waiting")) as world:
        world.stage.whatsapp.qr_refs = 2  # each is shown for 20 s
        half_open = asyncio.create_task(_half_open(world))
        frozen = asyncio.create_task(_frozen(world))
        unscanned = asyncio.create_task(_unscanned(world))
        yield LongWaits(world, half_open, frozen, unscanned)
        for task in (half_open, frozen, unscanned):
            task.cancel()
        await asyncio.gather(half_open, frozen, unscanned, return_exceptions=True)
        world.assert_nothing_went_unanswered()


async def _half_open(world: World) -> tuple[Linked, Row]:
    linked = await world.linked()
    logins = linked.device.logins
    linked.device.freeze()
    row = await linked.passes("reconnecting", within=NOTICED)
    await world.stage.whatsapp.until(
        lambda: linked.device.logins > logins, timeout=NOTICED
    )
    await linked.session_is("connected")
    return linked, row


async def _frozen(world: World) -> tuple[Linked, Row]:
    linked = await world.linked()
    os.kill(linked.worker_pid(), signal.SIGSTOP)
    row = await linked.passes("reconnecting", within=NOTICED)
    await linked.session_is("connected")
    return linked, row


async def _unscanned(world: World) -> Unscanned:
    app = await world.app()
    session_id = await app.adds_number(desired_state="connected")
    first = await app.qr_shown(session_id)
    await app.qr_shown(session_id, other_than=first, within=NOTICED)
    expired = await app.session_is(session_id, "failed", within=NOTICED)
    return Unscanned(app, session_id, first, expired)


async def test_a_half_open_socket_is_noticed_and_replaced(waits: LongWaits) -> None:
    linked, row = await waits.half_open

    assert row["state_code"] == "keepalive_timeout"
    await linked.still_works()


async def test_a_frozen_worker_does_not_stay_connected(waits: LongWaits) -> None:
    linked, row = await waits.frozen

    assert row["state_code"] == "worker_silent"
    await linked.still_works()


async def test_an_unscanned_qr_rotates_expires_and_comes_back_when_asked(
    waits: LongWaits,
) -> None:
    ana = waits.world.somebody("Ana")
    number = await waits.unscanned

    with pytest.raises(UnknownCode):
        await ana.phone.scans(number.first)
    await number.app.wants(number.session_id, "connected")
    await ana.phone.scans(await number.app.qr_shown(number.session_id))
    await number.app.session_is(number.session_id, "connected")

    assert number.expired["state_code"] == "qr_timeout"
    assert number.expired["qr_code"] is None
    assert number.expired["user_action"] == "scan_qr"
