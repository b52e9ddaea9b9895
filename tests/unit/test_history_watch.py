"""A phone that stops sending history in the middle is noticed, and not asked about for ever."""

from __future__ import annotations

from collections import deque

import pytest

from connector.domain.incoming import HistoryProgress
from connector.ports import Lane
from connector.sessions.context import RunningSession
from tests.fakes.clock import ManualClock, settle, turns_until
from tests.fakes.ingesting import MemorySpool, Scene
from tests.fakes.workers import FakeWorker


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def look(session: RunningSession, clock: ManualClock) -> None:
    await clock.advance(60)
    session.spooled.set()
    await settle()


async def minutes(scene: Scene, clock: ManualClock, count: int) -> int:
    """How often Supabase is asked in so many minutes."""
    async with scene.running() as session:
        await settle()
        for _ in range(count):
            await look(session, clock)
            session.spooled.set()
            await settle()
    return scene.intake.asked


async def test_it_is_asked_for_once_a_minute_and_not_for_ever(
    clock: ManualClock,
) -> None:
    scene = Scene(MemorySpool(deque()), clock=clock)

    assert await minutes(scene, clock, 5) == 5
    assert 10 <= await minutes(scene, clock, 60) <= 5 + 12


async def test_once_it_is_called_failed_nobody_asks_any_more(
    clock: ManualClock,
) -> None:
    scene = Scene(MemorySpool(deque()), clock=clock)
    scene.intake.stalled = True

    assert await minutes(scene, clock, 5) == 1


async def test_history_that_is_done_has_not_stalled(clock: ManualClock) -> None:
    done = HistoryProgress(percent=100, done=True)
    fetched_late = HistoryProgress(percent=75, done=False)
    scene = Scene(
        MemorySpool(deque([done, fetched_late]), lane=Lane.HISTORY), clock=clock
    )

    assert await minutes(scene, clock, 5) == 0


async def test_another_piece_is_waited_for_anew(clock: ManualClock) -> None:
    scene = Scene(MemorySpool(deque(), lane=Lane.HISTORY), clock=clock)
    async with scene.running() as session:
        for _ in range(30):
            await look(session, clock)
        before = scene.intake.asked
        scene.memory.events.append(HistoryProgress(percent=10, done=False))
        session.spooled.set()
        await turns_until(lambda: not scene.memory.events)
        await look(session, clock)

    assert scene.intake.asked == before + 1


async def test_a_phone_that_is_linked_late_and_sends_nothing_is_noticed(
    clock: ManualClock,
) -> None:
    scene = Scene(MemorySpool(deque()), clock=clock)
    async with scene.running() as session:
        for _ in range(30):
            await look(session, clock)
        before = scene.intake.asked
        session.go(FakeWorker(term=7))
        session.spooled.set()
        await settle()
        await look(session, clock)

    assert scene.intake.asked == before + 1


async def test_a_supabase_that_is_away_is_asked_again(clock: ManualClock) -> None:
    scene = Scene(MemorySpool(deque()), clock=clock)

    scene.intake.away = True

    assert await minutes(scene, clock, 3) == 3
