"""Whoever runs the connector sees how it is, also while Supabase is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from devstack.app import PATIENCE
from devstack.supabase.processes import free_port
from tests.acceptance.world import World


class Port:
    """The connector's private port."""

    def __init__(self, number: int) -> None:
        self._base = f"http://127.0.0.1:{number}"

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self._base, timeout=PATIENCE) as client:
            return await client.get(path)

    async def health(self) -> tuple[int, dict[str, Any]]:
        answer = await self._get("/healthz")
        return answer.status_code, answer.json()

    async def figure(self, name: str, **labels: str) -> float:
        exposition = (await self._get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
            if sample.name == f"zapbase_{name}"
            and labels.items() <= sample.labels.items()
        )

    async def labels(self) -> set[str]:
        """Every value of every label there is."""
        exposition = (await self._get("/metrics")).text
        return {
            value
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
            for value in sample.labels.values()
        }


async def eventually(
    holds: Callable[[], Awaitable[bool]], within: float = PATIENCE
) -> None:
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - a process tells when it is asked
            await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="session")
async def watched(tmp_path: Path) -> AsyncIterator[tuple[World, Port]]:
    number = free_port()
    async with World.begin(tmp_path, WA_METRICS_PORT=str(number)) as world:
        yield world, Port(number)
        world.assert_nothing_went_unanswered()


async def test_what_happens_is_counted_and_nobody_is_named(
    watched: tuple[World, Port],
) -> None:
    world, port = watched
    linked = await world.linked()
    bob = world.somebody("Bob")

    await bob.says(linked.owner, "oi")
    await linked.message("oi")
    row_id = await linked.sends(bob.number, "olá")
    await linked.app.outbox_is(row_id, "delivered")

    assert await port.figure("sessions", state="connected") == 1
    assert await port.figure("leases_held") == 1
    assert await port.figure("worker_starts_total", outcome="ok") >= 1
    stored = {"call": "wa_store_batch", "outcome": "ok"}

    # What is in the tables is counted once the connector has its answer.
    async def recorded() -> bool:
        return (
            await port.figure("sends_total", outcome="sent", kind="text") == 1
            and await port.figure("send_seconds_count", outcome="ok") == 1
            and await port.figure("ingestion_lag_seconds_count", lane="live") > 0
            and await port.figure("supabase_request_seconds_count", **stored) > 0
        )

    await eventually(recorded)
    told = await port.labels()
    assert not {bob.number, linked.session_id, "oi", "olá"} & told
    assert not [label for label in told if "@" in label]


async def test_an_outage_is_told_by_the_port_and_its_end_too(
    watched: tuple[World, Port],
) -> None:
    world, port = watched
    linked = await world.linked()
    bob = world.somebody("Bob")
    health = await linked.calls("wa_health")
    assert health["connectors"] == 1
    [session] = health["sessions"]
    assert (session["id"], session["state"]) == (linked.session_id, "connected")

    await world.local.gateway.kill()

    async def noticed() -> bool:
        code, body = await port.health()
        assert (code, body["status"]) == (200, "ok")
        assert body["sessions"] == {"connected": 1}
        return bool(body["supabase"]["state"] == "away")

    await eventually(noticed)
    await bob.says(linked.owner, "ainda aí?")
    await linked.device.has_everything()
    await world.local.gateway.start()
    await linked.message("ainda aí?")

    async def well_again() -> bool:
        _, body = await port.health()
        return bool(body["supabase"] == {"state": "ok"})

    await eventually(well_again)


async def test_a_planned_stop_is_no_longer_counted_on(
    watched: tuple[World, Port],
) -> None:
    world, _ = watched
    linked = await world.linked()
    assert (await linked.calls("wa_health"))["connectors"] == 1

    assert await world.connector.stop() == 0

    assert (await linked.calls("wa_health"))["connectors"] == 0
    await world.connector.start()
    await linked.session_is("connected")
