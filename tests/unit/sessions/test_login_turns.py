"""A session and its turn to log in: when it asks, how long it keeps it, what it shows."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from connector.domain.login_ramp import (
    BETWEEN_KNOCKS,
    IS_AWAY,
    Ramp,
    TurnOutcome,
)
from connector.domain.session import Phase, Session
from connector.domain.session_events import Event, TurnCame
from connector.ports import DesiredState, Signal, WorkerEvent
from connector.sessions.held_lease import HeldLease
from connector.sessions.login_gate import TURN_WITHIN, LoginGate
from connector.sessions.login_turn import LoginTurn
from connector.sessions.runner import Surroundings
from connector.sessions.state_watch import StateWatch
from tests.fakes.clock import settle
from tests.fakes.running import Scene
from tests.fakes.supabase import ANA


@dataclass
class GatedScene(Scene):
    """Others, whom the test lets go, have every turn there is."""

    gate: LoginGate = field(default_factory=lambda: LoginGate(Ramp(most=2)))
    watch: StateWatch = field(default_factory=StateWatch)

    @property
    def around(self) -> Surroundings:
        return replace(super().around, gate=self.gate, watch=self.watch)

    async def others_log_in(self) -> AsyncExitStack:
        others = AsyncExitStack()
        for _ in range(self.gate.ramp.at_once):
            await others.enter_async_context(self.gate.turn(asked_by_person=False))
        return others

    def asks(self, desired: DesiredState) -> None:
        self.leases.ask(desired_state=desired)
        self.held.renew(self.leases._extend(ANA))

    async def let_time_pass(self, seconds: float) -> None:
        """With the lease renewed, as the keeper would."""
        for _ in range(round(seconds / 10)):
            self.held.renew(self.leases._extend(ANA))
            await self.clock.advance(10.0)


@pytest.fixture
def scene() -> GatedScene:
    return GatedScene()


async def test_a_session_is_launched_when_its_turn_comes(scene: GatedScene) -> None:
    others = await scene.others_log_in()
    async with scene.running():
        await scene.shows("connecting/starting")
        await scene.let_time_pass(1_200.0)
        assert scene.launcher.workers == []
        assert scene.watch.tell_stuck(scene.clock.monotonic()) == 0

        await others.aclose()

        await scene.go_online()
        assert scene.sessions.events == []


@pytest.mark.parametrize("signal", [Signal.CONNECTED, Signal.QR, Signal.CONNECT_ERROR])
async def test_the_first_word_of_whatsapp_ends_the_turn(
    scene: GatedScene, signal: Signal
) -> None:
    async with scene.running():
        worker = await scene.launches(1)
        assert scene.gate.under_way == 1

        worker.says(signal, text="https://wa.me/settings/linked_devices#one")
        await settle()

        assert scene.gate.under_way == 0


async def test_a_turn_whose_session_says_nothing_ends_by_itself(
    scene: GatedScene,
) -> None:
    (lease,) = (await scene.leases.claim([], 1)).leases
    held = HeldLease(lease, scene.clock, ask_now=lambda: None)
    came: asyncio.Queue[Event | WorkerEvent] = asyncio.Queue()

    async with asyncio.TaskGroup() as tasks:
        turn = LoginTurn(scene.gate, held, scene.clock, tasks, came)
        turn.ask(by_person=False)
        assert await came.get() == TurnCame()
        await scene.clock.advance(TURN_WITHIN - 1)
        assert scene.gate.under_way == 1
        await scene.clock.advance(1)

        assert scene.gate.under_way == 0
        turn.follow(Session(phase=Phase.ONLINE))  # it may say something later still
        turn.end()


async def test_a_turn_is_heard_of_however_busy_its_session_was(
    scene: GatedScene,
) -> None:
    events: asyncio.Queue[Event | WorkerEvent] = asyncio.Queue(1)
    events.put_nowait(TurnCame())
    async with scene.running(), asyncio.TaskGroup() as tasks:
        turn = LoginTurn(LoginGate(), scene.held, scene.clock, tasks, events)
        turn.ask(by_person=False)
        await scene.let_time_pass(2 * TURN_WITHIN)
        events.get_nowait()
        await settle()

        assert events.qsize() == 1
        turn.end()


async def test_waiting_keeps_nobody_from_disconnecting(scene: GatedScene) -> None:
    others = await scene.others_log_in()
    async with scene.running():
        await scene.shows("connecting/starting")

        scene.asks(DesiredState.DISCONNECTED)

        await scene.shows("disconnected/disconnected")
        assert scene.gate.waiting == 0
    await others.aclose()
    assert scene.launcher.workers == []


async def test_a_stop_while_waiting_ends_the_runner_and_leaves_the_queue(
    scene: GatedScene,
) -> None:
    others = await scene.others_log_in()
    async with scene.running():
        await scene.shows("connecting/starting")
        assert scene.gate.waiting == 1

    assert scene.gate.waiting == 0
    assert scene.sessions.state == "reconnecting/connector_stopped"
    await others.aclose()
    assert scene.gate.under_way == 0


async def test_a_session_without_a_trusted_lease_takes_nobodys_turn(
    scene: GatedScene,
) -> None:
    async with scene.running():
        worker = await scene.go_online()
        await scene.clock.advance(26.0)
        worker.dies()
        await scene.clock.advance(30.0)

        assert (scene.gate.under_way, scene.gate.waiting) == (0, 0)
        scene.held.renew(scene.leases._extend(ANA))
        await scene.launches(2)


async def test_a_number_without_keys_comes_before_those_that_have_some(
    scene: GatedScene,
) -> None:
    one, other = await scene.others_log_in(), asyncio.Event()

    async def linked_number() -> None:
        async with scene.gate.turn(asked_by_person=False):
            await other.wait()

    linked = [asyncio.create_task(linked_number()) for _ in range(2)]
    await settle()
    scene.launcher.store.paired = False
    async with scene.running():
        await scene.shows("connecting/starting")
        assert scene.gate.waiting == 3

        await one.aclose()
        await scene.launches(1)

        assert scene.gate.waiting == 1
        other.set()
        await asyncio.gather(*linked)


async def test_while_whatsapp_answers_nobody_one_number_tries_now_and_then(
    scene: GatedScene,
) -> None:
    for _ in range(IS_AWAY - 1):
        scene.gate.ended(TurnOutcome.FAILED)
    async with scene.running():
        worker = await scene.launches(1)
        worker.says(Signal.CONNECT_ERROR)
        await scene.shows("reconnecting/connect_error")

        assert scene.gate.under_way == 1  # nobody else knocks in its place
        await scene.clock.advance(BETWEEN_KNOCKS.total_seconds())
        assert scene.gate.under_way <= 1


async def test_the_first_answer_ends_everybodys_back_off(scene: GatedScene) -> None:
    for _ in range(IS_AWAY):
        scene.gate.ended(TurnOutcome.FAILED)
    async with scene.running():
        worker = await scene.launches(1)
        worker.says(Signal.CONNECT_ERROR)
        await scene.shows("reconnecting/connect_error")
        assert len(scene.launcher.workers) == 1

        scene.gate.ended(TurnOutcome.ANSWERED)  # by another number; no time passes

        await scene.launches(2)


async def test_a_stop_during_the_pause_waits_for_nothing(scene: GatedScene) -> None:
    for _ in range(IS_AWAY):
        scene.gate.ended(TurnOutcome.FAILED)
    async with scene.running():
        worker = await scene.launches(1)
        worker.says(Signal.CONNECT_ERROR)
        await scene.shows("reconnecting/connect_error")
        began = scene.clock.monotonic()

    assert scene.clock.monotonic() - began < BETWEEN_KNOCKS.total_seconds()
    assert scene.gate.under_way == 0
    scene.gate.ended(TurnOutcome.ANSWERED)  # nobody of this session hears of it


async def test_an_outage_that_lasts_is_told_of_although_it_waits_for_its_turn(
    scene: GatedScene,
) -> None:
    for _ in range(IS_AWAY):
        scene.gate.ended(TurnOutcome.FAILED)
    others = await scene.others_log_in()
    async with scene.running():
        await scene.shows("connecting/starting")
        await scene.let_time_pass(600.0)

        assert scene.watch.tell_stuck(scene.clock.monotonic()) == 1
    await others.aclose()
