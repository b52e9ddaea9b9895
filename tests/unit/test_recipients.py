"""Whom a number belongs to is asked once, before the first message to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.delivery.recipients import Recipients
from connector.domain.addresses import Jid
from connector.domain.messages import Person
from connector.errors import (
    LookupRefusal,
    LookupRefused,
    NotConnected,
    RecipientUnknown,
)
from connector.people.numbers import AskedNumbers
from connector.ports import Worker
from tests.fakes.clock import ManualClock
from tests.fakes.people import Beside, MemoryNumbers
from tests.fakes.sending import MemoryDeviceStore, MemoryIntake, SendingWorker

ASKED = Jid.of_phone("551187654321")
DUDA = Person(lid=Jid.parse("444000444000444@lid"), phone=Jid.of_phone("5511987654321"))


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryDeviceStore = field(default_factory=MemoryDeviceStore)
    checks: MemoryNumbers = field(default_factory=MemoryNumbers)

    def __post_init__(self) -> None:
        self.worker = SendingWorker(self.store)
        self.store.strangers.add(ASKED)
        numbers = AskedNumbers(
            store=self.checks,
            intake=MemoryIntake(),
            clock=self.clock,
            chance=lambda: 0.5,
        )
        context = Beside(cast("Worker", self.worker))
        self.recipients = Recipients(context, self.store, numbers)

    async def find(self, to: Jid, *, checked: bool | None = None) -> Jid:
        worker = cast("Worker", self.worker)
        finding = asyncio.ensure_future(
            self.recipients.find(worker, to, checked=checked)
        )
        await self.clock.advance(2)  # a gap between two questions
        return await finding


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    "address",
    ["444000444000444@lid", "120363000000000001@g.us", "5521987654321@s.whatsapp.net"],
)
async def test_nobody_is_asked_about_who_is_known(scene: Scene, address: str) -> None:
    to = Jid.parse(address)

    assert await scene.find(to) == to
    assert scene.worker.asked == []


async def test_whatsapps_spelling_is_sent_to(scene: Scene) -> None:
    scene.worker.people[ASKED.user] = DUDA

    assert await scene.find(ASKED) == DUDA.phone
    assert scene.checks.recorded[ASKED.user].person == DUDA


async def test_rows_claimed_together_cost_one_question(scene: Scene) -> None:
    for _ in range(3):
        with pytest.raises(RecipientUnknown):
            await scene.find(ASKED)

    assert scene.worker.asked == [f"numbers {ASKED.user}"]
    assert scene.checks.recorded[ASKED.user].person is None


async def test_who_was_missing_this_week_costs_no_question(scene: Scene) -> None:
    with pytest.raises(RecipientUnknown):
        await scene.find(ASKED, checked=False)

    assert scene.worker.asked == []


async def test_who_has_written_since_is_there_whatever_was_said(scene: Scene) -> None:
    scene.store.strangers.clear()

    assert await scene.find(ASKED, checked=False) == ASKED


async def test_of_who_is_there_but_not_known_to_this_device_it_is_asked_how_they_are_written(
    scene: Scene,
) -> None:
    scene.worker.people[ASKED.user] = DUDA

    assert await scene.find(ASKED, checked=True) == DUDA.phone


@pytest.mark.parametrize(
    "error", [LookupRefused(LookupRefusal.RATE_LIMITED), NotConnected()]
)
async def test_no_answer_keeps_nothing_from_being_sent(
    scene: Scene, error: LookupRefused | NotConnected
) -> None:
    scene.worker.refuses.append(error)

    assert await scene.find(ASKED) == ASKED
    assert scene.checks.recorded == {}


async def test_nor_does_an_answer_that_leaves_it_out(scene: Scene) -> None:
    scene.worker.silent_about.add(ASKED.user)

    assert await scene.find(ASKED) == ASKED


async def test_after_asking_too_much_it_is_sent_unasked_for_a_while(
    scene: Scene,
) -> None:
    scene.worker.refuses.append(LookupRefused(LookupRefusal.RATE_LIMITED))
    scene.worker.people[ASKED.user] = DUDA

    await scene.find(ASKED)
    assert await scene.find(ASKED) == ASKED
    assert len(scene.worker.asked) == 1

    await scene.clock.advance(601)
    assert await scene.find(ASKED) == DUDA.phone
