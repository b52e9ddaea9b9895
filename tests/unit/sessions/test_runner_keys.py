"""A session's keys: settled before anything connects, saved after the worker, and named when unreadable."""

from __future__ import annotations

from connector.domain.session_events import LogOutWanted
from connector.domain.wishes import READ_WITHIN
from connector.errors import (
    StateUnreadable,
    SupabaseUnavailable,
)
from connector.ports import DesiredState, Signal
from connector.sessions.held_lease import HeldLease
from connector.sessions.runner import Ending
from connector.sessions.wishes import wishes
from tests.fakes.clock import settle, turns_until
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA


async def test_the_keys_are_settled_before_a_wish_is_heard_and_saved_after_the_worker(
    scene: Scene,
) -> None:
    async with scene.running():
        await scene.go_online()
        assert scene.states.asked == ["begin", "settle"]

    assert scene.states.asked == ["begin", "settle", "save", "end"]


async def test_a_last_save_that_hangs_delays_a_stop_by_two_seconds(
    scene: Scene,
) -> None:
    scene.states.saved.clear()
    async with scene.running() as runner:
        await scene.go_online()
        runner.stop(Ending.CONNECTOR_STOPS)
        await settle()
        before = scene.clock.monotonic()

    assert scene.clock.monotonic() - before <= 2.2
    assert scene.states.asked[-1] == "end"


async def test_who_lost_the_lease_saves_nothing(scene: Scene) -> None:
    async with scene.running() as runner:
        await scene.go_online()
        runner.stop(Ending.LEASE_LOST)

    assert "save" not in scene.states.asked


async def test_unreadable_keys_are_named_and_tried_again_without_a_worker(
    scene: Scene,
) -> None:
    scene.states.refusals = [StateUnreadable()]

    async with scene.running():
        await scene.shows("failed/state_unreadable")
        assert scene.launcher.workers == []
        await scene.clock.advance(60.0)
        scene.held.renew(scene.leases._extend(ANA))

        await scene.launches(1)


async def test_saved_keys_that_cannot_be_opened_are_keys_to_log_out_with(
    scene: Scene,
) -> None:
    """Nothing of them is here: a machine that never ran the number."""
    scene.launcher.store.paired = False
    await scene.leases.claim([], 1)
    scene.leases.ask(desired_state=DesiredState.LOGGED_OUT)
    held = HeldLease(scene.leases._extend(ANA), scene.clock, ask_now=lambda: None)
    asked = wishes(held, scene.launcher, scene.states)

    assert await anext(asked) == LogOutWanted(paired=False)
    scene.states.refusals = [StateUnreadable()]
    scene.leases.ask(desired_state=DesiredState.LOGGED_OUT)
    held.renew(scene.leases._extend(ANA))

    assert await anext(asked) == LogOutWanted(paired=True)


async def test_who_logs_out_while_the_keys_are_shown_as_unreadable_gives_them_up(
    scene: Scene,
) -> None:
    scene.states.refusals = [StateUnreadable(), StateUnreadable()]
    async with scene.running():
        await scene.shows("failed/state_unreadable")
        await scene.clock.advance(READ_WITHIN.total_seconds())

        scene.leases.ask(desired_state=DesiredState.LOGGED_OUT)
        scene.held.renew(scene.leases._extend(ANA))

        await scene.shows("logged_out/keys_forgotten")
    assert "discard" in scene.states.asked
    assert scene.launcher.workers == []


async def test_keys_that_cannot_be_asked_for_now_are_asked_for_again(
    scene: Scene,
) -> None:
    scene.states.refusals = [SupabaseUnavailable()]

    async with scene.running():
        await scene.shows("reconnecting/launch_failed")
        await scene.clock.advance(2.0)

        await scene.launches(1)


async def test_a_log_out_discards_the_keys_wherever_they_are(scene: Scene) -> None:
    async with scene.running():
        worker = await scene.go_online()
        worker.says(Signal.LOGGED_OUT, code=401)
        await scene.shows("logged_out/unlinked")
        await turns_until(lambda: "discard" in scene.states.asked)
