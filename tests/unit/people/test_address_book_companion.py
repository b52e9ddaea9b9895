"""Contacts and settings of the phone's owner are told when they change, and once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.messages import Person
from connector.domain.saved import LOOK_SECONDS as LOOK_ANYWAY
from connector.domain.saved import Saved, SavedContact
from connector.errors import InputRefused, SupabaseUnavailable
from connector.people.address_book import LARGEST_BATCH, AddressBook
from connector.ports import Worker
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import ManualClock, settle
from tests.fakes.people import Beside, MemorySaved
from tests.fakes.sending import MemoryIntake
from tests.fakes.supabase import MemorySessions


def book(*names: str) -> Saved:
    """An address book with these people in it."""
    contacts = []
    for number, name in enumerate(names, 5521900000001):
        phone = Jid.of_phone(str(number))
        contacts.append(
            SavedContact(
                key=str(phone),
                person=Person(phone=phone),
                saved_name=name,
                business_name=None,
            )
        )
    return Saved(owner="ana:1", push_name="Ana", contacts=tuple(contacts), chats=())


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    state: MemorySaved = field(default_factory=MemorySaved)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    sessions: MemorySessions = field(default_factory=MemorySessions)

    def __post_init__(self) -> None:
        self.context = Beside(cast("Worker", AskedWorker()))

    @property
    def told(self) -> list[str | None]:
        return [
            item.saved_name for item in self.intake.stored if isinstance(item, Profile)
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        companion = AddressBook(
            saved_state=lambda _: self.state,
            intake=self.intake,
            sessions=self.sessions,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        running = asyncio.create_task(companion.run(self.context))
        await settle()
        yield
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_is_there_is_told_and_then_what_changes(scene: Scene) -> None:
    scene.state.becomes(book("Bob", "Carla"))

    async with scene.running():
        assert scene.told == ["Bob", "Carla"]
        scene.state.becomes(book("Bob", "Carla from work"))
        await scene.clock.advance(2)

    assert scene.told == ["Bob", "Carla", "Carla from work"]


async def test_a_large_address_book_is_told_in_pieces(scene: Scene) -> None:
    names = [f"Person {n}" for n in range(LARGEST_BATCH * 2 + 1)]
    scene.state.becomes(book(*names))
    batches: list[int] = []
    store = scene.intake.store

    async def counting(*given: object) -> None:
        batches.append(len(given[2]))  # type: ignore[arg-type] # the items
        await store(*given)  # type: ignore[arg-type] # the same

    scene.intake.store = counting  # type: ignore[method-assign, assignment] # it counts
    async with scene.running():
        assert batches == [LARGEST_BATCH, LARGEST_BATCH, 1]


async def test_an_outage_of_supabase_delays_and_loses_nothing(scene: Scene) -> None:
    scene.state.becomes(book("Bob"))
    scene.intake.failures += [SupabaseUnavailable(), SupabaseUnavailable()]

    async with scene.running():
        assert scene.told == []
        await scene.clock.advance(60)

    assert scene.told == ["Bob"]


async def test_what_postgres_refuses_is_not_told_for_ever(scene: Scene) -> None:
    scene.state.becomes(book("Bob"))
    scene.intake.failures.append(InputRefused())

    async with scene.running():
        scene.state.becomes(book("Bob", "Carla"))
        await scene.clock.advance(2)

    assert scene.told == ["Carla"]


async def test_a_contact_that_is_refused_costs_nobody_else_their_name(
    scene: Scene,
) -> None:
    scene.state.becomes(book("Bob", "Carla", "Dora"))
    scene.intake.failures += [InputRefused(), InputRefused()]  # all three, then Bob

    async with scene.running():
        await scene.clock.advance(2)

    assert scene.told == ["Carla", "Dora"]


async def test_the_numbers_own_name_is_reported_once_it_is_known(scene: Scene) -> None:
    scene.state.becomes(replace(book(), push_name=None))

    async with scene.running():
        assert scene.sessions.reports == 0
        scene.state.becomes(book())
        await scene.clock.advance(2)
        scene.state.becomes(book("Bob"))
        await scene.clock.advance(2)

    assert scene.sessions.columns == {"push_name": "Ana"}
    assert scene.sessions.reports == 1


async def test_a_store_that_was_emptied_removes_nobody(scene: Scene) -> None:
    """Unlinking deletes the store; the address book is still what it was."""
    scene.state.becomes(book("Bob"))

    async with scene.running():
        scene.state.now = None
        scene.state.writes += 1
        scene.state.versions += 1
        await scene.clock.advance(4)
        scene.state.becomes(replace(book(), owner="ana:2"))
        await scene.clock.advance(4)

    assert scene.told == ["Bob"]


async def test_mere_traffic_is_read_now_and_then_only(scene: Scene) -> None:
    scene.state.becomes(book("Bob"))

    async with scene.running():
        await scene.clock.advance(LOOK_ANYWAY)
        before = scene.state.reads
        for _ in range(60):
            scene.state.writes += 1
            await scene.clock.advance(2)

    assert scene.state.reads - before <= 3
