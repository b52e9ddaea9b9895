"""A connector that is told to stop lets others have its sessions, a few at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from connector.ports import SessionId, Signal
from connector.sessions.supervisor import (
    ALL_TOLD_WITHIN,
    STOP_WITHIN,
    STOPPING_AT_ONCE,
    Supervisor,
)
from tests.fakes.clock import settle, turns_until
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA, wanted
from tests.fakes.workers import FakeWorker

MANY = 2 * STOPPING_AT_ONCE


@pytest.fixture
def scene() -> Scene:
    return Scene()


@asynccontextmanager
async def many_online(scene: Scene) -> AsyncIterator[Supervisor]:
    for number in range(MANY - 1):
        scene.leases.want(wanted(session_id=SessionId(f"number {number}")))
    async with scene.supervised() as supervisor:
        known: list[FakeWorker] = []
        while len(known) < MANY:
            await turns_until(lambda: len(scene.launcher.workers) > len(known))
            for worker in scene.launcher.workers[len(known) :]:
                worker.connects()
                known.append(worker)
        await settle()
        yield supervisor


def told(scene: Scene) -> int:
    return sum("stop" in worker.calls for worker in scene.launcher.workers)


async def test_a_few_are_stopped_at_once_and_the_next_when_those_are_released(
    scene: Scene,
) -> None:
    async with many_online(scene) as supervisor:
        scene.states.saved.clear()
        supervisor.stop()
        await scene.clock.advance(1.0)
        assert told(scene) == STOPPING_AT_ONCE

        scene.states.saved.set()
        await scene.clock.advance(0.1)

        assert told(scene) == MANY
        assert scene.launcher.alive == []


async def test_all_are_told_in_time_however_slow_the_first_are(scene: Scene) -> None:
    async with many_online(scene) as supervisor:
        scene.states.saved.clear()
        supervisor.stop()
        await scene.clock.advance(ALL_TOLD_WITHIN + 0.5)

        assert told(scene) == MANY


async def test_those_that_are_offline_anyway_go_first(scene: Scene) -> None:
    async with many_online(scene) as supervisor:
        offline = scene.launcher.workers[-1]
        offline.says(Signal.DISCONNECTED)
        await settle()
        scene.states.saved.clear()
        supervisor.stop()
        await scene.clock.advance(0.1)

        assert "stop" in offline.calls


async def test_all_are_stopped_at_once_when_nobody_can_take_them(scene: Scene) -> None:
    async with many_online(scene) as supervisor:
        scene.leases.away = scene.sessions.away = True
        scene.states.saved.clear()
        supervisor.stop()
        await scene.clock.advance(0.1)

        assert told(scene) == MANY


async def test_sessions_that_are_ready_together_are_released_in_one_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    release = scene.leases.release

    async def count(terms: Mapping[SessionId, int]) -> None:
        calls.append(len(terms))
        await release(terms)

    monkeypatch.setattr(scene.leases, "release", count)
    async with many_online(scene) as supervisor:
        scene.leases.surplus |= scene.leases.rows.keys()
        scene.doorbell.ring()
        await scene.clock.advance(0.5)

        assert calls == [MANY]
        supervisor.stop()


async def test_a_session_that_waits_for_its_old_spool_is_released_all_the_same(
    scene: Scene,
) -> None:
    scene.launcher.left_behind = [ANA]
    ana = scene.leases.rows.pop(ANA)
    async with scene.supervised() as supervisor:
        await settle()
        scene.leases.want(ana)
        await scene.clock.advance(15.0)
        assert scene.leases.leases[ANA].expires_at > scene.clock.monotonic()

        supervisor.stop()
        await scene.clock.advance(0.2)

        assert scene.leases.leases[ANA].expires_at <= scene.clock.monotonic()


async def test_a_session_that_waits_after_an_error_is_handed_over_meanwhile(
    scene: Scene,
) -> None:
    scene.chance = 0.99  # a pause of nearly two seconds
    async with scene.supervised():
        worker = await scene.go_online()
        scene.launcher.store.busy = True
        worker.says(Signal.LOGGED_OUT, code=401)
        await turns_until(lambda: "runner_failed" in scene.sessions.events)
        scene.leases.surplus.add(ANA)

        scene.doorbell.ring()
        await scene.clock.advance(0.5)

        assert scene.leases.leases[ANA].expires_at <= scene.clock.monotonic()


async def test_what_is_ready_is_released_though_the_stop_is_cut_short_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = scene.leases.release

    async def slowly(terms: Mapping[SessionId, int]) -> None:
        await scene.clock.sleep(0.9)
        await release(terms)

    monkeypatch.setattr(scene.leases, "release", slowly)
    async with many_online(scene) as supervisor:
        for worker in scene.launcher.workers:
            worker.hangs.add("stop")  # for five of the seven seconds
        scene.states.saved.clear()
        supervisor.stop()
        await scene.clock.advance(STOP_WITHIN - 0.4)
        scene.states.saved.set()

    ends = [lease.expires_at for lease in scene.leases.leases.values()]
    assert max(ends) <= scene.clock.monotonic()
