"""What apps want to know about numbers is asked, fifty at a time and unhurried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.errors import (
    ConnectorError,
    LookupRefusal,
    LookupRefused,
    NotConnected,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.people.number_checks import NumberChecks
from connector.people.numbers import MOST_AT_ONCE, AskedNumbers
from connector.ports import Worker
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import ManualClock, settle
from tests.fakes.people import Beside, MemoryNumbers
from tests.fakes.sending import MemoryIntake

BOB = "5521987654321"
NOBODY = "5511000000000"
CROWD = [str(number) for number in range(5511900000000, 5511900000120)]


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryNumbers = field(default_factory=MemoryNumbers)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    worker: AskedWorker = field(default_factory=AskedWorker)

    def __post_init__(self) -> None:
        self.context = Beside(cast("Worker", self.worker))
        self.numbers = AskedNumbers(
            store=self.store,
            intake=self.intake,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        self.checks = NumberChecks(numbers=self.numbers, bell=self.store)

    def queue(self, *numbers: str) -> None:
        self.store.waiting += numbers
        self.store.rung.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.checks.run(self.context))
        await settle()
        yield
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_is_queued_is_asked_in_one_question_when_it_rings(
    scene: Scene,
) -> None:
    async with scene.running():
        scene.queue(BOB, NOBODY)
        await settle()

        assert scene.worker.asked == [f"numbers {BOB} {NOBODY}"]
        assert list(scene.store.recorded) == [BOB, NOBODY]


async def test_many_are_asked_fifty_at_a_time_about_one_a_second(scene: Scene) -> None:
    scene.queue(*CROWD)

    async with scene.running():
        assert len(scene.store.recorded) == MOST_AT_ONCE
        await scene.clock.advance(MOST_AT_ONCE - 1)
        assert len(scene.store.recorded) == MOST_AT_ONCE
        await scene.clock.advance(1)
        assert len(scene.store.recorded) == 2 * MOST_AT_ONCE
        await scene.clock.advance(MOST_AT_ONCE)

    assert len(scene.store.recorded) == len(CROWD)
    assert len(scene.worker.asked) == 3


async def test_a_first_message_need_not_wait_for_a_long_list(scene: Scene) -> None:
    scene.queue(*CROWD)

    async with scene.running():
        worker = cast("Worker", scene.worker)
        asking = asyncio.ensure_future(scene.numbers.ask(scene.context, worker, [BOB]))
        await scene.clock.advance(1.5)

        assert [one.asked for one in await asking] == [BOB]


async def test_too_many_ends_the_asking_for_ten_minutes(scene: Scene) -> None:
    scene.worker.refuses.append(LookupRefused(LookupRefusal.RATE_LIMITED))
    scene.queue(BOB)

    async with scene.running():
        scene.queue(NOBODY)
        await scene.clock.advance(598)
        assert (len(scene.worker.asked), scene.store.looks) == (1, 1)
        await scene.clock.advance(3)

    assert list(scene.store.recorded) == [NOBODY]
    assert scene.store.unanswered == []


async def test_nothing_is_taken_while_not_connected(scene: Scene) -> None:
    worker, scene.context.online = scene.context.online, None
    scene.queue(BOB)

    async with scene.running():
        await scene.clock.advance(300)
        assert scene.store.looks == 0
        scene.context.comes_back(cast("Worker", worker))
        await settle()

    assert list(scene.store.recorded) == [BOB]


async def test_what_was_handed_out_is_asked_after_a_break(scene: Scene) -> None:
    scene.worker.refuses.append(NotConnected())
    scene.queue(BOB)

    async with scene.running():
        await scene.clock.advance(30)

    assert list(scene.store.recorded) == [BOB]
    assert scene.store.unanswered == []


@pytest.mark.parametrize("error", [SupabaseUnavailable(), SupabaseRefused()])
async def test_while_supabase_is_away_nothing_is_lost(
    scene: Scene, error: ConnectorError
) -> None:
    scene.store.failures.append(error)
    scene.queue(BOB)

    async with scene.running():
        await scene.clock.advance(60)

    assert list(scene.store.recorded) == [BOB]


async def test_what_could_not_be_recorded_is_recorded_before_more_is_asked(
    scene: Scene,
) -> None:
    async with scene.running():
        scene.intake.failures.append(SupabaseUnavailable())
        scene.queue(BOB)
        await settle()
        assert scene.store.recorded == {}
        await scene.clock.advance(2)

        assert list(scene.store.recorded) == [BOB]
    assert len(scene.worker.asked) == 1
