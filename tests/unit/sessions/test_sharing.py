"""What a connector does with sessions that others should have, or may have by now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from connector.errors import StateUnreadable
from connector.ports import Claimed, SessionId, Signal
from tests.fakes.clock import settle
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA, wanted


async def test_a_session_that_another_should_have_is_stopped_saved_and_released(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.surplus.add(ANA)

        scene.doorbell.ring()
        await scene.clock.advance(1.0)

        assert worker.calls == ["connect", "stop"]
        assert "save" in scene.states.asked
        assert scene.sessions.state == "reconnecting/handed_over"
        assert scene.leases.asked[-2:] == ["release", "claim 50"]
        await scene.clock.advance(60.0)
        assert len(scene.launcher.workers) == 1


async def test_what_cannot_be_opened_here_is_handed_to_whoever_can_and_tried_at_once(
    scene: Scene,
) -> None:
    scene.states.refusals = [StateUnreadable()]
    async with scene.supervised():
        await scene.shows("failed/state_unreadable")
        scene.leases.surplus.add(ANA)

        scene.doorbell.ring()
        await scene.clock.advance(1.0)

        assert scene.sessions.state == "reconnecting/handed_over"
        assert "release" in scene.leases.asked


async def test_that_only_others_can_open_numbers_is_said_once(scene: Scene) -> None:
    with capture_logs() as lines:
        async with scene.supervised():
            for count in (2, 3, 0, 1):
                scene.leases.left_to_others = count
                await scene.clock.advance(21.0)

    said = [line["count"] for line in lines if line.get("code") == "state_key_unknown"]
    assert said == [2, 1]


async def test_a_session_that_shows_a_qr_stays_whatever_is_asked(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.launches(1)
        worker.says(Signal.QR, text="scan me")
        await scene.shows("pairing/qr_ready")
        scene.leases.surplus.add(ANA)

        await scene.clock.advance(60.0)

        assert worker.calls == ["connect"]
        assert "release" not in scene.leases.asked


async def test_a_planned_stop_tells_the_others_before_the_first_release(
    scene: Scene,
) -> None:
    async with scene.supervised() as supervisor:
        await scene.go_online()
        scene.leases.asked.clear()

        supervisor.stop()
        await scene.clock.advance(1.0)

        assert scene.leases.asked == ["claim 0", "release"]


async def test_a_full_connector_looks_all_the_same_to_say_that_it_lives(
    scene: Scene,
) -> None:
    async with scene.supervised(most_sessions=1):
        await scene.go_online()
        scene.leases.asked.clear()

        await scene.clock.advance(21.0)

        assert scene.leases.asked == ["claim 1"] * 2


async def test_it_looks_again_when_a_dead_machine_s_leases_run_out(
    scene: Scene,
) -> None:
    scene.leases.rows.clear()
    scene.leases.look_again = timedelta(seconds=3)
    async with scene.supervised():
        scene.leases.want(wanted())

        await scene.clock.advance(2.9)
        assert scene.launcher.workers == []
        await scene.clock.advance(0.2)

        await scene.launches(1)


async def test_who_sleeps_between_renewing_and_claiming_goes_on_under_the_next_term(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        claim = scene.leases.claim

        async def claim_late(held: Sequence[SessionId], capacity: int) -> Claimed:
            monkeypatch.undo()
            scene.leases.leases[ANA].expires_at = scene.clock.monotonic()
            return await claim(held, capacity)

        monkeypatch.setattr(scene.leases, "claim", claim_late)
        await scene.clock.advance(60.0)

        assert scene.leases.leases[ANA].term == 2
        assert worker.may_log_in_until > scene.clock.monotonic()
        assert worker.calls == ["connect"]


async def test_a_worker_may_dial_by_itself_as_long_as_its_lease_is_trusted(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        await scene.clock.advance(35.0)
        now = scene.clock.monotonic()
        assert now < worker.may_log_in_until <= now + 27.0

        scene.leases.away = True
        await scene.clock.advance(60.0)

        assert worker.may_log_in_until < scene.clock.monotonic()
        assert worker.calls == ["connect"], "it stays online all the same"


async def test_a_worker_that_loses_its_connection_without_a_lease_waits_for_one(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.away = scene.sessions.away = True
        await scene.clock.advance(60.0)

        worker.says(Signal.DISCONNECTED)
        await settle()
        assert worker.calls == ["connect", "kill"]
        await scene.clock.advance(600.0)
        assert len(scene.launcher.workers) == 1

        scene.leases.away = scene.sessions.away = False
        await scene.clock.advance(11.0)
        await scene.launches(2)
        await scene.go_online()


async def test_a_late_login_of_who_had_the_number_before_is_no_alarm(
    scene: Scene,
) -> None:
    scene.leases.other_held_ago = 0.0
    async with scene.supervised():
        worker = await scene.go_online()

        worker.says(Signal.REPLACED)
        await scene.shows("reconnecting/contested")
        await scene.clock.advance(3.0)
        await scene.go_online()
        assert scene.sessions.events == []

        await scene.clock.advance(60.0)
        scene.worker.says(Signal.REPLACED)
        await scene.shows("replaced/replaced")
