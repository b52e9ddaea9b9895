from __future__ import annotations

from dataclasses import replace

import pytest

from connector.errors import (
    InputRefused,
    LeaseLost,
    NotConnected,
    SealBroken,
    SupabaseRefused,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.ports import DesiredState, Signal
from connector.sessions.held_lease import HeldLease
from connector.sessions.runner import Ending, SessionRunner
from tests.fakes.clock import settle, turns_until
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA


def renew(scene: Scene) -> None:
    """Renew the lease, with what an app wrote meanwhile."""
    scene.held.renew(scene.leases._extend(ANA))


@pytest.mark.usefixtures("runner")
async def test_a_wish_leads_to_a_worker_that_dials(scene: Scene) -> None:
    worker = await scene.launches(1)
    await turns_until(lambda: worker.calls == ["connect"])

    await scene.shows("connecting/starting")


@pytest.mark.usefixtures("runner")
async def test_a_number_is_linked_by_qr(scene: Scene) -> None:
    worker = await scene.launches(1)
    worker.says(Signal.QR, text="https://wa.me/settings/linked_devices#one")
    await scene.shows("pairing/qr_ready")
    assert str(scene.sessions.columns["qr_image"]).startswith("data:image/png;base64,")

    worker.says(Signal.PAIRED)
    await scene.shows("connecting/paired")
    assert scene.sessions.columns["qr_code"] is None
    assert scene.sessions.columns["qr_image"] is None

    worker.connects()
    await scene.shows("connected/connected")
    assert scene.sessions.columns["phone_number"] == "5511912345678"


@pytest.mark.usefixtures("runner")
async def test_a_worker_that_dies_is_replaced_after_the_back_off(scene: Scene) -> None:
    worker = await scene.go_online()

    worker.dies(1)
    await scene.shows("reconnecting/worker_exited")
    assert len(scene.launcher.workers) == 1
    await scene.clock.advance(1.0)

    await scene.launches(2)
    assert "worker_exited" in scene.sessions.events


@pytest.mark.usefixtures("runner")
async def test_a_connection_that_stays_away_is_replaced_after_twenty_seconds(
    scene: Scene,
) -> None:
    worker = await scene.go_online()

    worker.says(Signal.DISCONNECTED)
    await scene.shows("reconnecting/connection_lost")
    await scene.clock.advance(19.9)
    assert worker.calls == ["connect"]
    await scene.clock.advance(0.1)

    assert worker.calls == ["connect", "stop"]


@pytest.mark.usefixtures("runner")
async def test_a_worker_that_does_not_stop_is_killed(scene: Scene) -> None:
    worker = await scene.go_online()
    worker.hangs.add("stop")

    worker.says(Signal.KEEPALIVE_TIMEOUT)
    await scene.shows("reconnecting/keepalive_timeout")
    await scene.clock.advance(5.0)

    assert worker.calls == ["connect", "stop", "kill"]


@pytest.mark.usefixtures("runner")
async def test_what_an_ended_worker_still_says_decides_nothing(scene: Scene) -> None:
    worker = await scene.launches(1)
    worker.says(Signal.PAIRING_FAILED, reason="timeout")
    worker.says(Signal.DISCONNECTED)
    await scene.shows("failed/qr_timeout")
    await settle()

    assert worker.calls[-1] == "kill"
    assert scene.sessions.state == "failed/qr_timeout"


@pytest.mark.usefixtures("runner")
async def test_a_worker_that_cannot_be_killed_does_not_stop_the_runner(
    scene: Scene,
) -> None:
    worker = await scene.launches(1)
    worker.fails["kill"] = WorkerGone("stuck")
    worker.says(Signal.CONNECT_ERROR)
    await scene.shows("reconnecting/connect_error")
    worker.gone = True
    await scene.clock.advance(2.0)

    await scene.launches(2)


async def test_a_failed_launch_is_tried_again(scene: Scene) -> None:
    scene.launcher.failures = [WorkerGone(), OSError("disk full"), TimeoutError()]

    async with scene.running():
        await scene.shows("reconnecting/launch_failed")
        await scene.clock.advance(10.0)

        await scene.launches(1)


async def test_a_launch_waits_for_a_lease_that_is_surely_ours(scene: Scene) -> None:
    async with scene.running():
        worker = await scene.go_online()
        await scene.clock.advance(26.0)
        worker.dies()
        await scene.clock.advance(60.0)
        assert len(scene.launcher.workers) == 1

        renew(scene)

        await scene.launches(2)


@pytest.mark.usefixtures("runner")
async def test_a_dial_that_hangs_is_given_up(scene: Scene) -> None:
    scene.launcher.worker.hangs.add("connect")

    await scene.clock.advance(15.0)
    renew(scene)
    await scene.clock.advance(15.0)

    await scene.shows("reconnecting/not_responding")
    assert scene.launcher.workers[0].calls == ["connect", "kill"]


async def test_logging_out_unlinks_and_ends_the_runner(scene: Scene) -> None:
    async with scene.running():
        worker = await scene.go_online()

        scene.leases.ask(desired_state=DesiredState.LOGGED_OUT)
        renew(scene)

        await scene.shows("logged_out/logged_out")
        assert worker.calls == ["connect", "log_out", "kill"]
        assert scene.launcher.store.discarded == 1


@pytest.mark.usefixtures("runner")
async def test_a_refused_log_out_is_tried_again(scene: Scene) -> None:
    worker = await scene.go_online()
    worker.fails["log_out"] = NotConnected()

    scene.leases.ask(desired_state=DesiredState.LOGGED_OUT)
    renew(scene)

    await scene.shows("connecting/logging_out")
    await scene.clock.advance(2.0)
    assert scene.launcher.store.discarded == 0
    await scene.launches(2)


@pytest.mark.usefixtures("runner")
async def test_disconnecting_stops_the_worker_and_ends_the_runner(scene: Scene) -> None:
    worker = await scene.go_online()

    scene.leases.ask(desired_state=DesiredState.DISCONNECTED)
    renew(scene)

    await scene.shows("disconnected/disconnected")
    assert worker.calls == ["connect", "stop"]


@pytest.mark.usefixtures("runner")
async def test_asking_again_after_a_qr_timeout_shows_another(scene: Scene) -> None:
    worker = await scene.launches(1)
    worker.says(Signal.PAIRING_FAILED, reason="timeout")
    await scene.shows("failed/qr_timeout")

    renew(scene)
    await settle()
    assert len(scene.launcher.workers) == 1
    scene.leases.ask(pairing_phone="5511912345678")
    renew(scene)

    worker = await scene.launches(2)
    await turns_until(lambda: worker.calls == ["connect by code"])


@pytest.mark.usefixtures("runner")
async def test_a_slow_supabase_never_makes_the_worker_wait(scene: Scene) -> None:
    worker = await scene.go_online()
    scene.sessions.gate.clear()
    before = scene.sessions.reports

    worker.says(Signal.DISCONNECTED)
    for _ in range(50):
        worker.says(Signal.CONNECTED)
        worker.says(Signal.DISCONNECTED)
    await settle()
    scene.sessions.gate.set()
    await scene.shows("reconnecting/connection_lost")

    assert scene.sessions.reports - before <= 2


@pytest.mark.usefixtures("runner")
async def test_a_report_is_repeated_until_it_is_stored(scene: Scene) -> None:
    await scene.go_online()
    scene.sessions.away = True
    scene.worker.says(Signal.DISCONNECTED)
    await scene.clock.advance(5.0)
    scene.sessions.away = False
    await scene.clock.advance(10.0)

    await scene.shows("reconnecting/connection_lost")


@pytest.mark.usefixtures("runner")
async def test_spooled_rings_ingestion(scene: Scene) -> None:
    worker = await scene.go_online()
    context = scene.ingestion.contexts[0]
    assert context.spooled.is_set()
    context.spooled.clear()

    worker.says(Signal.SPOOLED)

    await turns_until(context.spooled.is_set)


@pytest.mark.usefixtures("runner")
async def test_companions_see_the_worker_only_while_it_is_connected(
    scene: Scene,
) -> None:
    context = scene.delivery.contexts[0]
    assert context.worker() is None
    worker = await scene.go_online()

    assert context.worker() is worker
    assert await context.until_connected() is worker
    assert (context.session_id, context.term) == (ANA, 1)
    assert (context.session.history_days, context.session.ignore_status) == (14, True)
    worker.says(Signal.DISCONNECTED)
    await turns_until(lambda: context.worker() is None)


async def test_a_failing_companion_starts_again_beside_the_connection(
    scene: Scene,
) -> None:
    scene.ingestion.failures = [ValueError("a bug"), SupabaseUnavailable()]

    async with scene.running():
        worker = await scene.go_online()
        await scene.clock.advance(4.0)

        assert len(scene.ingestion.contexts) == 3
        assert worker.calls == ["connect"]


async def test_a_companion_that_meets_a_stale_term_waits_for_the_keeper(
    scene: Scene,
) -> None:
    scene.delivery.failures = [LeaseLost()]

    async with scene.running():
        assert len(scene.delivery.contexts) == 1
        assert scene.launcher.workers == []  # no socket under a doubted lease

        renew(scene)

        await scene.go_online()
        assert len(scene.delivery.contexts) == 2


@pytest.mark.usefixtures("runner")
async def test_a_report_that_supabase_refuses_does_not_block_the_next(
    scene: Scene,
) -> None:
    worker = await scene.go_online()
    scene.sessions.failures = [InputRefused(), InputRefused()]

    worker.says(Signal.STREAM_ERROR, code=599)  # a report and an event
    await turns_until(lambda: not scene.sessions.failures)
    worker.connects()
    worker.says(Signal.DISCONNECTED)

    await scene.shows("reconnecting/connection_lost")


async def test_a_revoked_key_costs_no_report(scene: Scene) -> None:
    async with scene.running():
        worker = await scene.launches(1)
        scene.sessions.failures = [SupabaseRefused()]
        worker.connects()
        await turns_until(lambda: not scene.sessions.failures)
        await scene.clock.advance(2)

        assert scene.sessions.state == "connected/connected"


async def test_a_planned_stop_settles_delivery_then_stops_then_drains(
    scene: Scene,
) -> None:
    scene.launcher.kept.waiting = 3

    async with scene.running() as runner:
        worker = await scene.go_online()
        runner.stop(Ending.CONNECTOR_STOPS)
        await settle()
        assert scene.delivery.cancelled == 1
        assert worker.calls == ["connect", "stop"]
        assert scene.ingestion.cancelled == 0
        scene.launcher.kept.waiting = 0
        await scene.clock.advance(0.1)

        assert scene.ingestion.cancelled == 1
        assert scene.sessions.state == "reconnecting/connector_stopped"


async def test_a_planned_stop_does_not_wait_for_supabase_for_ever(
    scene: Scene,
) -> None:
    scene.launcher.kept.waiting = 3
    scene.delivery.settled.clear()

    async with scene.running() as runner:
        worker = await scene.go_online()
        scene.sessions.away = True
        runner.stop(Ending.CONNECTOR_STOPS)
        await scene.clock.advance(3.0)
        scene.delivery.settled.set()
        await scene.clock.advance(3.0)

        assert scene.ingestion.cancelled == 1
        assert worker.gone


async def test_a_runner_that_fails_leaves_no_worker_behind(scene: Scene) -> None:
    (lease,) = (await scene.leases.claim([], 1)).leases
    broken = replace(scene.around, chance=lambda: 1 / 0)
    held = HeldLease(lease, scene.clock, ask_now=lambda: None)
    with pytest.raises(ExceptionGroup):
        await SessionRunner(held, broken).run()

    assert scene.launcher.alive == []


async def test_a_spool_of_another_key_is_said_and_nothing_connects(
    scene: Scene,
) -> None:
    scene.launcher.failures = [SealBroken()]

    async with scene.running():
        await scene.shows("failed/state_key_unknown")

        assert not scene.launcher.workers
