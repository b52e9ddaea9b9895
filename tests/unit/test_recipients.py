"""Whom a number belongs to is asked once, before the first message to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.delivery.recipients import FORGET_STRANGERS_AFTER, Recipients
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.messages import Person
from connector.errors import (
    LookupRefusal,
    LookupRefused,
    NotConnected,
    RecipientUnknown,
    SupabaseUnavailable,
)
from connector.ports import Worker
from tests.fakes.clock import ManualClock
from tests.fakes.people import Beside
from tests.fakes.sending import MemoryDeviceStore, MemoryIntake, SendingWorker

ASKED = Jid.of_phone("551187654321")
DUDA = Person(lid=Jid.parse("444000444000444@lid"), phone=Jid.of_phone("5511987654321"))


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    store: MemoryDeviceStore = field(default_factory=MemoryDeviceStore)
    intake: MemoryIntake = field(default_factory=MemoryIntake)

    def __post_init__(self) -> None:
        self.worker = SendingWorker(self.store)
        self.store.strangers.add(ASKED)
        context = Beside(cast("Worker", self.worker))
        self.recipients = Recipients(context, self.store, self.intake, self.clock)

    async def find(self, to: Jid) -> Jid:
        return await self.recipients.find(cast("Worker", self.worker), to)


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


async def test_whatsapps_spelling_is_sent_to_and_both_are_stored(scene: Scene) -> None:
    scene.worker.people[ASKED.user] = DUDA

    assert await scene.find(ASKED) == DUDA.phone
    assert scene.intake.stored == [
        Profile(person=DUDA, on_whatsapp=True, spelling=ASKED)
    ]


async def test_a_number_written_as_whatsapp_does_has_no_other_spelling(
    scene: Scene,
) -> None:
    scene.worker.people[ASKED.user] = Person(lid=DUDA.lid, phone=ASKED)

    assert await scene.find(ASKED) == ASKED
    [profile] = scene.intake.stored
    assert isinstance(profile, Profile)
    assert profile.spelling is None


async def test_a_number_is_asked_about_once(scene: Scene) -> None:
    scene.worker.people[ASKED.user] = DUDA

    for _ in range(3):
        await scene.find(ASKED)

    assert scene.worker.asked == [f"numbers {ASKED.user}"]
    assert len(scene.intake.stored) == 1


async def test_who_is_not_on_whatsapp_is_remembered_for_a_while(scene: Scene) -> None:
    for _ in range(3):
        with pytest.raises(RecipientUnknown):
            await scene.find(ASKED)
    assert scene.worker.asked == [f"numbers {ASKED.user}"]
    assert scene.intake.stored == [
        Profile(person=Person(phone=ASKED), on_whatsapp=False)
    ]

    scene.worker.people[ASKED.user] = DUDA
    await scene.clock.advance(FORGET_STRANGERS_AFTER + 1)
    assert await scene.find(ASKED) == DUDA.phone


@pytest.mark.parametrize(
    "error", [LookupRefused(LookupRefusal.RATE_LIMITED), NotConnected()]
)
async def test_no_answer_keeps_nothing_from_being_sent(
    scene: Scene, error: LookupRefused | NotConnected
) -> None:
    scene.worker.refuses.append(error)

    assert await scene.find(ASKED) == ASKED
    assert scene.intake.stored == []


async def test_after_asking_too_much_nothing_is_asked_for_a_while(scene: Scene) -> None:
    scene.worker.refuses.append(LookupRefused(LookupRefusal.RATE_LIMITED))
    scene.worker.people[ASKED.user] = DUDA

    await scene.find(ASKED)
    assert await scene.find(ASKED) == ASKED
    assert len(scene.worker.asked) == 1

    await scene.clock.advance(601)
    assert await scene.find(ASKED) == DUDA.phone


async def test_what_cannot_be_stored_now_is_stored_before_the_next(
    scene: Scene,
) -> None:
    scene.worker.people[ASKED.user] = DUDA
    scene.intake.failures.append(SupabaseUnavailable())

    assert await scene.find(ASKED) == DUDA.phone
    assert scene.intake.stored == []
    await scene.find(ASKED)

    assert scene.intake.stored == [
        Profile(person=DUDA, on_whatsapp=True, spelling=ASKED)
    ]
