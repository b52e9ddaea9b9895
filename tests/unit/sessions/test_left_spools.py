"""What an earlier run left in a spool is stored, whoever runs the session now."""

from __future__ import annotations

import pytest

from connector.ports import SessionId
from tests.fakes.clock import settle, turns_until
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA

BIA = SessionId("bia")


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_the_spool_of_a_session_that_does_not_run_is_emptied(
    scene: Scene,
) -> None:
    scene.launcher.left_behind = [BIA]

    async with scene.supervised():
        await settle()

        assert scene.ingestion.draining == [BIA]


async def test_a_session_that_runs_empties_its_own(scene: Scene) -> None:
    scene.launcher.left_behind = [ANA]

    async with scene.supervised():
        await scene.go_online()

        assert scene.ingestion.draining == []


async def test_it_waits_until_supabase_is_there(scene: Scene) -> None:
    scene.launcher.left_behind = [BIA]
    scene.leases.away = True

    async with scene.supervised():
        await scene.clock.advance(60.0)
        assert scene.ingestion.draining == []

        scene.leases.away = False
        await scene.clock.advance(15.0)

        assert scene.ingestion.draining == [BIA]


async def test_a_session_wanted_meanwhile_starts_when_its_spool_is_empty(
    scene: Scene,
) -> None:
    scene.launcher.left_behind = [ANA]
    ana = scene.leases.rows.pop(ANA)

    async with scene.supervised():
        await settle()
        scene.leases.rows[ANA] = ana
        await scene.clock.advance(15.0)
        assert not scene.launcher.workers

        scene.ingestion.drained.set()

        await scene.launches(1)


async def test_a_stop_does_not_wait_for_it(scene: Scene) -> None:
    scene.leases.rows.clear()
    scene.launcher.left_behind = [BIA]

    async with scene.supervised():
        await settle()
        started = scene.clock.monotonic()

    assert scene.clock.monotonic() - started < 1.0


async def test_a_planned_stop_has_time_for_what_its_own_sessions_leave(
    scene: Scene,
) -> None:
    async with scene.supervised() as supervisor:
        await scene.go_online()
        supervisor.stop()
        await scene.clock.advance(1.0)
        released_at = scene.leases.leases[ANA].expires_at

        # Others may have the number already; its spool is stored all the same.
        assert released_at <= scene.clock.monotonic()
        assert scene.ingestion.draining == [ANA]
        scene.ingestion.drained.set()


async def test_a_planned_stop_waits_for_no_supabase_that_is_away(scene: Scene) -> None:
    async with scene.supervised() as supervisor:
        await scene.go_online()
        scene.leases.away = scene.sessions.away = True
        await scene.clock.advance(30.0)
        supervisor.stop()
        await scene.clock.advance(5.0)

        assert scene.ingestion.draining == []


async def test_a_spool_that_cannot_be_read_ends_nobody_else(scene: Scene) -> None:
    scene.launcher.left_behind = [BIA]
    scene.ingestion.broken = [ValueError("not a database")]

    async with scene.supervised():
        await scene.go_online()
        await scene.clock.advance(60.0)

        assert scene.worker.calls == ["connect"]


async def test_what_a_lost_lease_left_no_time_for_is_stored_afterwards(
    scene: Scene,
) -> None:
    async with scene.supervised():
        await scene.go_online()
        scene.leases.taken_by("another")

        await scene.clock.advance(25.0)
        await turns_until(lambda: scene.ingestion.draining == [ANA])
