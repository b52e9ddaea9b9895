"""Numbers are asked about at one pace, and what was said is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.look_ups import AFTER_RATE_LIMIT, NumberAnswer
from connector.domain.messages import Person
from connector.errors import (
    InputRefused,
    LookupRefusal,
    LookupRefused,
    SupabaseUnavailable,
)
from connector.people.numbers import REMEMBERED_FOR, AskedNumbers
from connector.ports import Worker
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import ManualClock, settle
from tests.fakes.people import Beside, MemoryNumbers
from tests.fakes.sending import MemoryIntake

NOBODY = "5511000000000"
ASKED = "551187654321"  # as people wrote it before the ninth digit
DUDA = Person(lid=Jid.parse("444000444000444@lid"), phone=Jid.of_phone("5511987654321"))
LIMITED = LookupRefused(LookupRefusal.RATE_LIMITED)


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryNumbers = field(default_factory=MemoryNumbers)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    worker: AskedWorker = field(default_factory=AskedWorker)

    def __post_init__(self) -> None:
        self.worker.people[ASKED] = DUDA
        self.context = Beside(cast("Worker", self.worker))
        self.numbers = AskedNumbers(
            store=self.store,
            intake=self.intake,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def asking(self, *numbers: str) -> asyncio.Task[list[NumberAnswer]]:
        async def ask() -> list[NumberAnswer]:
            worker = cast("Worker", self.worker)
            return list(await self.numbers.ask(self.context, worker, numbers))

        return asyncio.ensure_future(ask())

    async def ask(self, *numbers: str) -> list[NumberAnswer]:
        asking = self.asking(*numbers)
        await self.clock.advance(2)  # a gap, if there has to be one
        return await asking


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_an_answer_is_told_as_a_person_and_as_a_check(scene: Scene) -> None:
    scene.worker.businesses[ASKED] = "Padaria da Duda"

    found, missing = await scene.ask(ASKED, NOBODY)

    assert (found.person, missing.person) == (DUDA, None)
    assert scene.store.recorded == {ASKED: found, NOBODY: missing}
    assert scene.intake.stored == [
        Profile(
            person=DUDA,
            business_name="Padaria da Duda",
            on_whatsapp=True,
            spelling=Jid.of_phone(ASKED),
        ),
        Profile(person=Person(phone=Jid.of_phone(NOBODY)), on_whatsapp=False),
    ]


async def test_a_number_written_as_whatsapp_does_has_no_other_spelling(
    scene: Scene,
) -> None:
    scene.worker.people[NOBODY] = Person(lid=DUDA.lid, phone=Jid.of_phone(NOBODY))

    await scene.ask(NOBODY)

    [profile] = scene.intake.stored
    assert isinstance(profile, Profile)
    assert profile.spelling is None


async def test_of_whom_nothing_is_said_that_is_told(scene: Scene) -> None:
    scene.worker.silent_about.add(NOBODY)

    [found] = await scene.ask(ASKED, NOBODY)

    assert found.person == DUDA
    assert scene.store.unanswered == [NOBODY]
    assert list(scene.store.recorded) == [ASKED]


async def test_what_was_just_answered_is_not_asked_again_for_a_while(
    scene: Scene,
) -> None:
    for _ in range(3):
        assert (await scene.ask(NOBODY))[0].person is None
    assert scene.worker.asked == [f"numbers {NOBODY}"]

    await scene.clock.advance(REMEMBERED_FOR.total_seconds())
    await scene.ask(NOBODY)
    assert len(scene.worker.asked) == 2


async def test_whoever_asks_there_is_a_gap_between_two_questions(scene: Scene) -> None:
    for number in ("5511900000001", "5511900000002", "5511900000003"):
        scene.asking(number)
        await settle()

    assert len(scene.worker.asked) == 1
    await scene.clock.advance(1.1)
    assert len(scene.worker.asked) == 2


async def test_those_who_wait_for_a_turn_are_asked_about_together(scene: Scene) -> None:
    strangers = [str(number) for number in range(5511900000000, 5511900000070)]

    asking = [scene.asking(number) for number in strangers[:30]]
    await scene.clock.advance(0.9)
    asking += [scene.asking(number) for number in strangers[30:]]
    await scene.clock.advance(0.2)
    first, second, *others = scene.worker.asked
    assert first == f"numbers {strangers[0]}"
    assert second == f"numbers {' '.join(strangers[1:51])}"
    assert others == []
    await scene.clock.advance(1)

    found = [one.asked for task in asking for one in await task]
    assert found == strangers
    assert len(scene.worker.asked) == 3
    assert list(scene.store.recorded) == strangers
    assert len(scene.intake.stored) == len(strangers), "each is told once"


async def test_who_gives_up_waiting_is_not_asked_about(scene: Scene) -> None:
    scene.asking(NOBODY)
    given_up, waiting = scene.asking("5511900000001"), scene.asking(ASKED)
    await settle()

    given_up.cancel()
    await scene.clock.advance(1.1)

    assert (await waiting)[0].person == DUDA
    assert scene.worker.asked[1:] == [f"numbers {ASKED}"]


async def test_after_asking_too_much_nothing_is_asked_for_a_while_by_anybody(
    scene: Scene,
) -> None:
    scene.worker.refuses.append(LIMITED)
    with pytest.raises(LookupRefused):
        await scene.ask(NOBODY)
    assert scene.store.pauses == [AFTER_RATE_LIMIT]

    with pytest.raises(LookupRefused) as still:
        await scene.ask(ASKED)
    assert still.value.reason is LookupRefusal.RATE_LIMITED
    assert len(scene.worker.asked) == 1
    await scene.clock.advance(scene.numbers.paused_for(scene.context))

    assert (await scene.ask(ASKED))[0].person == DUDA


async def test_each_refusal_in_a_row_pauses_for_longer(scene: Scene) -> None:
    scene.worker.refuses += [LIMITED] * 3
    for _ in range(3):
        with pytest.raises(LookupRefused):
            await scene.ask(NOBODY)
        await scene.clock.advance(scene.numbers.paused_for(scene.context))

    assert scene.store.pauses == [AFTER_RATE_LIMIT * n for n in (1, 2, 4)]


async def test_a_pause_that_cannot_be_kept_holds_all_the_same(scene: Scene) -> None:
    scene.worker.refuses.append(LIMITED)
    scene.store.failures.append(SupabaseUnavailable())

    with pytest.raises(LookupRefused):
        await scene.ask(NOBODY)

    assert scene.numbers.paused_for(scene.context) > timedelta(minutes=9).seconds


@pytest.mark.parametrize("part", ["intake", "store"])
async def test_what_cannot_be_told_now_is_told_with_the_next(
    scene: Scene, part: str
) -> None:
    away = scene.intake if part == "intake" else scene.store
    away.failures.append(SupabaseUnavailable())

    assert (await scene.ask(ASKED))[0].person == DUDA
    assert scene.store.recorded == {}
    await scene.ask(NOBODY)

    assert list(scene.store.recorded) == [ASKED, NOBODY]
    people = [one.person for one in scene.intake.stored if isinstance(one, Profile)]
    assert DUDA in people


async def test_a_contact_that_postgres_refuses_costs_no_check(scene: Scene) -> None:
    scene.intake.failures.append(InputRefused())

    await scene.ask(ASKED)
    await scene.ask(NOBODY)

    assert list(scene.store.recorded) == [ASKED, NOBODY]
    assert len(scene.intake.stored) == 1
