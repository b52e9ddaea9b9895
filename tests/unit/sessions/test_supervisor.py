from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.errors import KeyRefused, LeaseLost
from connector.ports import DesiredState, SessionId, Signal
from tests.fakes.clock import settle, turns_until
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA, wanted


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_session_runs_as_long_as_its_lease_is_renewed(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        await scene.clock.advance(300.0)

        assert worker.calls == ["connect"]
        assert scene.leases.leases[ANA].term == 1


async def test_a_term_refused_again_and_again_does_not_keep_everybody_busy(
    scene: Scene,
) -> None:
    # After a restore of the database its terms may be behind those of a spool.
    scene.ingestion.failures.extend(LeaseLost() for _ in range(1_000))
    async with scene.supervised():
        await scene.clock.advance(60.0)

        assert len(scene.ingestion.contexts) < 20
        await scene.go_online()


async def test_the_doorbell_is_answered_at_once(scene: Scene) -> None:
    scene.leases.rows.clear()
    async with scene.supervised():
        await scene.clock.advance(1.0)
        scene.leases.want(wanted())

        scene.doorbell.ring()

        await scene.launches(1)


async def test_polling_finds_what_a_silent_doorbell_does_not_say(scene: Scene) -> None:
    scene.doorbell.healthy = False
    scene.leases.rows.clear()
    async with scene.supervised():
        scene.leases.want(wanted())

        await scene.clock.advance(2.5)

        await scene.launches(1)


async def test_sessions_stay_online_while_supabase_is_away(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.away = scene.sessions.away = True
        await scene.clock.advance(600.0)
        assert worker.calls == ["connect"]

        scene.leases.away = scene.sessions.away = False
        await scene.clock.advance(15.0)

        assert worker.calls == ["connect"]
        assert scene.leases.leases[ANA].term == 2


async def test_a_lease_that_another_connector_took_stops_the_session(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.taken_by("another")

        await scene.clock.advance(11.0)

        assert worker.calls == ["connect", "stop"]
        assert scene.launcher.alive == []
        assert scene.sessions.state == "connected/connected"  # not ours to write


async def test_a_lease_that_was_elsewhere_meanwhile_starts_the_session_anew(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.taken_by("another")
        scene.leases.leases[ANA].expires_at = scene.clock.monotonic()

        await scene.clock.advance(11.0)

        await scene.launches(2)
        assert worker.gone
        assert scene.worker.term == 3


async def test_a_refused_report_makes_the_keeper_look_at_once(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.taken_by("another")
        scene.sessions.failures = [LeaseLost()]
        worker.says(Signal.DISCONNECTED)

        await scene.clock.advance(0.1)

        assert worker.gone


async def test_a_replaced_socket_under_a_lost_lease_is_left_to_its_new_owner(
    scene: Scene,
) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.leases.away = True
        await scene.clock.advance(40.0)
        scene.leases.taken_by("another")
        worker.says(Signal.REPLACED)
        await scene.shows("reconnecting/taken_over")
        await scene.clock.advance(60.0)

        assert scene.launcher.alive == []
        assert len(scene.launcher.workers) == 1


async def test_a_replaced_socket_under_our_lease_is_an_alarm(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()

        worker.says(Signal.REPLACED)

        await scene.shows("replaced/replaced")
        await scene.clock.advance(600.0)
        assert len(scene.launcher.workers) == 1
        assert "replaced" in scene.sessions.events


async def test_a_session_with_nothing_to_do_is_released(scene: Scene) -> None:
    scene.ingestion.drained.set()
    async with scene.supervised():
        await scene.go_online()
        await scene.clock.advance(1.0)
        scene.leases.ask(desired_state=DesiredState.DISCONNECTED)
        scene.doorbell.ring()
        await scene.shows("disconnected/disconnected")
        await scene.clock.advance(1.0)
        assert scene.leases.leases[ANA].expires_at <= scene.clock.monotonic()

        scene.leases.ask(desired_state=DesiredState.CONNECTED)
        scene.doorbell.ring()

        await scene.launches(2)


async def test_no_more_sessions_are_claimed_than_fit(scene: Scene) -> None:
    for name in ("bob", "carla"):
        scene.leases.want(wanted(session_id=SessionId(name)))
    async with scene.supervised(most_sessions=1):
        await scene.clock.advance(60.0)

        held = [key for key, lease in scene.leases.leases.items() if lease.term]
        assert held == [ANA]


async def test_an_error_in_a_runner_restarts_that_runner_alone(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.launcher.store.busy = True

        worker.says(Signal.LOGGED_OUT, code=401)
        await turns_until(lambda: "runner_failed" in scene.sessions.events)
        await scene.clock.advance(2.0)

        await scene.launches(2)
        assert worker.gone


async def test_a_planned_stop_ends_every_session_and_releases_it(scene: Scene) -> None:
    async with scene.supervised() as supervisor:
        worker = await scene.go_online()
        began = scene.clock.monotonic()
        supervisor.stop()
        await scene.clock.advance(1.0)

        assert worker.calls == ["connect", "stop"]
        assert scene.sessions.state == "reconnecting/connector_stopped"
        assert scene.leases.leases[ANA].expires_at <= began + 1.0


async def test_a_planned_stop_takes_less_than_ten_seconds_whatever_hangs(
    scene: Scene,
) -> None:
    async with scene.supervised() as supervisor:
        worker = await scene.go_online()
        worker.hangs |= {"stop", "kill"}
        scene.launcher.kept.waiting = 1
        scene.sessions.away = scene.leases.away = True

        supervisor.stop()
        began = scene.clock.monotonic()

    assert scene.clock.monotonic() - began < 10.0


@pytest.mark.parametrize("call", ["claim", "renew"])
async def test_a_planned_stop_waits_for_no_look_that_hangs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    hanging = asyncio.Event()

    async def hang(*_: object) -> None:
        hanging.set()
        await scene.clock.sleep(1000.0)

    async with scene.supervised() as supervisor:
        worker = await scene.go_online()
        worker.hangs |= {"stop", "kill"}
        monkeypatch.setattr(scene.leases, call, hang)
        scene.doorbell.ring()
        await scene.clock.advance(0.1)
        assert hanging.is_set()

        supervisor.stop()
        began = scene.clock.monotonic()

    assert scene.clock.monotonic() - began < 10.0


async def test_an_outage_is_said_now_and_then(scene: Scene) -> None:
    async with scene.supervised():
        await scene.go_online()
        scene.leases.away = True
        with capture_logs() as logs:
            await scene.clock.advance(200.0)
            scene.leases.away = False
            await scene.clock.advance(15.0)

    said = [(line["event"], line.get("count")) for line in logs]
    away = "supabase away, sessions stay online"
    assert said[:3] == [(away, 1), (away, 4), (away, 16)]
    assert said[-1] == ("supabase back", None)


async def test_who_refuses_us_is_not_said_to_be_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise KeyRefused

    async with scene.supervised():
        await scene.go_online()
        monkeypatch.setattr(scene.leases, "renew", refuse)
        monkeypatch.setattr(scene.leases, "claim", refuse)
        with capture_logs() as logs:
            await scene.clock.advance(15.0)

    assert logs[0]["event"] == "supabase refuses us, sessions stay online"


async def test_a_stop_during_a_crash_back_off_is_not_held_up(scene: Scene) -> None:
    async with scene.supervised():
        worker = await scene.go_online()
        scene.launcher.store.busy = True
        worker.says(Signal.LOGGED_OUT, code=401)
        await turns_until(lambda: "runner_failed" in scene.sessions.events)

    assert len(scene.launcher.workers) == 1


async def test_what_was_claimed_unheard_is_claimed_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = scene.leases.claim

    async def claim_and_lose_the_answer(*arguments: Any) -> None:
        monkeypatch.setattr(scene.leases, "claim", claim)
        await claim(*arguments)
        raise TimeoutError

    monkeypatch.setattr(scene.leases, "claim", claim_and_lose_the_answer)
    async with scene.supervised():
        await settle()
        assert scene.launcher.workers == []

        await scene.clock.advance(11.0)

        worker = await scene.launches(1)
        assert worker.term == 2


async def test_an_unanswered_renewal_takes_nothing_away(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew = scene.leases.renew

    async def hang(terms: Mapping[SessionId, int]) -> Any:
        await scene.clock.sleep(1000.0)
        return await renew(terms)

    async with scene.supervised():
        worker = await scene.go_online()
        monkeypatch.setattr(scene.leases, "renew", hang)
        await scene.clock.advance(60.0)
        monkeypatch.setattr(scene.leases, "renew", renew)
        await scene.clock.advance(20.0)

        assert worker.calls == ["connect"]


async def test_a_frozen_worker_is_found_and_replaced(scene: Scene) -> None:
    async with scene.supervised():
        frozen = await scene.go_online()
        frozen.hangs.add("ping")

        await scene.clock.advance(45.0)

        assert frozen.gone
        await scene.launches(2)


async def test_who_asks_again_while_a_session_winds_down_does_not_wait_for_the_next_look(
    scene: Scene,
) -> None:
    scene.states.saved.clear()
    async with scene.supervised():
        await scene.go_online()
        scene.leases.ask(desired_state=DesiredState.DISCONNECTED)
        scene.doorbell.ring()
        await scene.clock.advance(0.1)
        scene.leases.ask(desired_state=DesiredState.CONNECTED)
        scene.doorbell.ring()
        await scene.clock.advance(0.1)
        assert len(scene.launcher.workers) == 1
        scene.states.saved.set()
        await scene.clock.advance(0.1)

        await scene.launches(2)
