"""Ingestion: nothing is trimmed before it is stored, nothing bad blocks the rest."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from structlog.testing import capture_logs

from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import (
    Chat,
    ChatKind,
    OwnRead,
    Person,
    Receipt,
    Status,
)
from connector.domain.retry import LONGEST_FOR_SUPABASE
from connector.errors import SupabaseRefused, SupabaseUnavailable
from connector.ingestion.intake import REST_AFTER_TICKS
from connector.ports import Lane
from tests.fakes.clock import (
    NOON,
    ManualClock,
    settle,
    turns_until,
)
from tests.fakes.ingesting import SESSION, MemorySpool, Scene, event

BOB = Person(lid=Jid("1", "lid"))
CHAT = Chat(jid=Jid("1", "lid"), kind=ChatKind.DIRECT)


@pytest.fixture
def scene() -> Scene:
    return Scene(MemorySpool(deque(event(f"e{n}") for n in range(1, 1_201))))


async def test_a_switch_holds_from_the_next_look_on() -> None:
    scene = Scene(MemorySpool(deque()))
    async with scene.running() as session:
        await turns_until(lambda: scene.memory.followed is session.session)


async def test_a_burst_goes_in_bites_of_five_hundred(scene: Scene) -> None:
    await scene.drain()

    assert scene.intake.stored == [f"e{n}" for n in range(1, 1_201)]
    assert scene.intake.batches == [500, 500, 200]
    assert not scene.memory.events


async def test_an_outage_loses_nothing_and_stores_nothing_twice(scene: Scene) -> None:
    scene.intake.failures.extend(SupabaseUnavailable() for _ in range(20))

    await scene.drain()

    assert len(scene.intake.stored) == 1_200


async def test_a_long_outage_is_few_tries_few_lines_and_seconds_to_come_back() -> None:
    clock = ManualClock()
    scene = Scene(MemorySpool(deque(event(f"e{n}") for n in range(600))), clock=clock)
    scene.intake.failures.extend(SupabaseUnavailable() for _ in range(5_000))
    with capture_logs() as lines:
        draining = asyncio.create_task(scene.ingestion.drain(SESSION))
        await clock.advance(20 * 60)
        tries = 5_000 - len(scene.intake.failures)
        scene.intake.failures.clear()
        await clock.advance(LONGEST_FOR_SUPABASE.total_seconds())
        await draining

    assert 120 < tries < 400
    assert len(lines) < 12
    assert len(scene.intake.stored) == 600


async def test_what_was_stored_but_not_trimmed_is_offered_again(scene: Scene) -> None:
    scene.intake.after_storing = SupabaseUnavailable()

    await scene.drain()

    assert scene.intake.batches[:2] == [500, 500]
    assert len(scene.intake.stored) == 1_200


@pytest.mark.parametrize("poison", ["e1", "e333", "e500", "e501", "e1200"])
async def test_one_refused_event_is_set_aside_alone(scene: Scene, poison: str) -> None:
    scene.intake.poison = poison

    await scene.drain()

    assert len(scene.memory.dead) == 1
    assert len(scene.intake.stored) == 1_199
    assert scene.diary.codes == ["event_refused"]


async def test_a_refused_event_that_came_alone_is_found_out_at_once(
    scene: Scene,
) -> None:
    while len(scene.memory.events) > 1:
        scene.memory.events.pop()
    scene.intake.poison = "e1"

    await scene.drain()

    assert len(scene.memory.dead) == 1
    assert len(scene.memory.limits) == 3  # refused, refused alone, and nothing more


async def test_a_supabase_that_refuses_everything_costs_no_message(
    scene: Scene,
) -> None:
    scene.intake.failures.extend(SupabaseRefused() for _ in range(20))

    await scene.drain()

    assert len(scene.intake.stored) == 1_200
    assert not scene.memory.dead


async def test_what_is_too_much_at_once_is_stored_in_smaller_bites(
    scene: Scene,
) -> None:
    scene.intake.failures.extend(SupabaseUnavailable() for _ in range(4))

    await scene.drain()

    assert scene.intake.batches[0] == 500 // 2**3


async def test_a_dead_letter_of_an_earlier_term_is_told_under_the_current_one(
    scene: Scene,
) -> None:
    scene.intake.poison = "e1"
    scene.diary.current_term = 8  # the events were received under 7

    async with scene.running(term=8):
        await turns_until(lambda: not scene.memory.events)
        await settle()

    assert scene.diary.codes == ["event_refused"]


async def test_a_dead_letter_of_a_session_that_does_not_run_stops_nothing(
    scene: Scene,
) -> None:
    scene.intake.poison = "e1"
    scene.diary.current_term = 8

    await scene.drain()

    assert len(scene.intake.stored) == 1_199


async def test_a_spool_that_cannot_be_read_is_looked_at_again(scene: Scene) -> None:
    scene.memory.failures = 20

    await scene.drain()

    assert len(scene.intake.stored) == 1_200


async def test_while_a_full_batch_is_stored_the_next_one_is_decoded(
    scene: Scene,
) -> None:
    await scene.drain()

    assert scene.memory.ahead == [500, 500]  # and not behind the last, which had room


async def test_history_that_is_refused_does_not_make_the_bites_of_news_small(
    scene: Scene,
) -> None:
    scene.memory.lane = Lane.HISTORY
    scene.intake.poison = "e1"

    await scene.drain()

    assert min(limits[Lane.HISTORY] for limits in scene.memory.limits) == 1
    assert {limits[Lane.LIVE] for limits in scene.memory.limits} == {500}


async def test_a_flood_of_poison_is_one_event_a_minute_with_a_count() -> None:
    clock = ManualClock()
    scene = Scene(MemorySpool(deque()), clock=clock)
    async with scene.running() as session:
        for _ in range(20):
            scene.memory.unreadable = 500
            session.spooled.set()
            await turns_until(lambda: not scene.memory.unreadable)
        await settle()
        assert scene.diary.counts == [500]
        await clock.advance(60)
        session.spooled.set()
        await turns_until(lambda: len(scene.diary.counts) == 2)

    assert scene.diary.counts == [500, 19 * 500]
    assert scene.diary.codes == ["event_unreadable"] * 2


async def test_the_rest_of_a_flood_is_told_when_a_left_spool_is_empty() -> None:
    scene = Scene(MemorySpool(deque([event("e1"), event("e2")]), unreadable=3))
    scene.intake.poison = "e2"

    await scene.drain()

    assert sorted(scene.diary.codes) == ["event_refused", "event_unreadable"]


@pytest.mark.parametrize(
    "tick",
    [
        Receipt(
            chat=CHAT,
            whatsapp_ids=("a",),
            participant=BOB,
            status=Status.READ,
            at=NOON,
        ),
        OwnRead(chat=CHAT, at=NOON),
    ],
    ids=lambda tick: type(tick).__name__,
)
async def test_after_nothing_but_ticks_the_lane_rests(tick: Incoming) -> None:
    clock = ManualClock()
    scene = Scene(MemorySpool(deque([tick])), clock=clock)
    draining = asyncio.create_task(scene.drain())
    await settle()
    assert not draining.done()

    await clock.advance(REST_AFTER_TICKS.total_seconds())
    await draining

    assert not scene.memory.events
