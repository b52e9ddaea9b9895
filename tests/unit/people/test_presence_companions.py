"""Typing is told to whoever looks, in time or never; and showing oneself is a choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.presence import Doing, Presence
from connector.errors import LookupRefusal, LookupRefused, SupabaseUnavailable
from connector.people.presence import Appearance, Presences
from connector.ports import Worker
from connector.sessions.companions import Companion
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import ManualClock, settle
from tests.fakes.people import Beside, MemoryPeople

BOB = Jid.parse("222000222000222@lid")
TYPES = Presence(chat=BOB, person=BOB, doing=Doing.COMPOSING)


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    worker: AskedWorker = field(default_factory=AskedWorker)

    def __post_init__(self) -> None:
        self.context = Beside(cast("Worker", self.worker))

    @asynccontextmanager
    async def running(self, companion: Companion) -> AsyncIterator[None]:
        running = asyncio.create_task(companion.run(self.context))
        await settle()
        yield
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})

    @property
    def presences(self) -> Presences:
        return Presences(people=self.people, clock=self.clock)

    @property
    def appearance(self) -> Appearance:
        return Appearance(clock=self.clock)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_typing_is_told_at_once(scene: Scene) -> None:
    async with scene.running(scene.presences):
        scene.worker.tells(TYPES)
        await settle()

        assert scene.people.shown == [[TYPES]]


async def test_it_is_told_five_times_a_second_at_most(scene: Scene) -> None:
    async with scene.running(scene.presences):
        for _ in range(100):
            scene.worker.tells(TYPES)
        await scene.clock.advance(1)

    assert len(scene.people.shown) <= 6


async def test_what_cannot_be_told_now_is_told_never(scene: Scene) -> None:
    scene.people.failures.append(SupabaseUnavailable())

    async with scene.running(scene.presences):
        scene.worker.tells(TYPES)
        await scene.clock.advance(30)
        assert scene.people.shown == []
        scene.worker.tells(TYPES)
        await scene.clock.advance(1)

    assert scene.people.shown == [[TYPES]]


async def test_a_number_hides_unless_it_is_to_show_itself(scene: Scene) -> None:
    async with scene.running(scene.appearance):
        await scene.clock.advance(60)

    assert scene.worker.online == []


async def test_a_number_shows_itself_and_hides_again(scene: Scene) -> None:
    scene.context.appear_online = True

    async with scene.running(scene.appearance):
        await scene.clock.advance(60)
        assert scene.worker.online == [True]
        scene.context.appear_online = False
        await scene.clock.advance(5)

    assert scene.worker.online == [True, False]


async def test_it_shows_itself_anew_after_each_login(scene: Scene) -> None:
    scene.context.appear_online = True

    async with scene.running(scene.appearance):
        scene.context.comes_back(cast("Worker", scene.worker))
        await scene.clock.advance(5)

    assert scene.worker.online == [True, True]


async def test_before_its_name_is_known_it_quietly_tries_again(scene: Scene) -> None:
    scene.context.appear_online = True
    scene.worker.refuses += [LookupRefused(LookupRefusal.FAILED)] * 3

    async with scene.running(scene.appearance):
        assert scene.worker.online == []
        await scene.clock.advance(20)

    assert scene.worker.online == [True]
