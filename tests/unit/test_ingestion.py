"""Ingestion: nothing is trimmed before it is stored, nothing bad blocks the rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import HistoryProgress, Incoming
from connector.domain.messages import (
    Chat,
    ChatKind,
    Json,
    OwnRead,
    Person,
    Receipt,
    Status,
)
from connector.errors import (
    ConnectorError,
    InputRefused,
    LeaseLost,
    SpoolUnavailable,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ingestion.intake import REST_AFTER_TICKS, Ingestion
from connector.ports import (
    Clock,
    DesiredState,
    Lane,
    Launcher,
    Lease,
    SessionId,
    SessionReport,
    SessionRow,
    Spool,
    SpooledBatch,
)
from connector.sessions.context import RunningSession
from connector.sessions.held_lease import HeldLease
from tests.fakes.clock import (
    NOON,
    HurriedClock,
    ManualClock,
    settle,
    turns_until,
)

SESSION = SessionId("s1")


BOB = Person(lid=Jid("1", "lid"))
CHAT = Chat(jid=Jid("1", "lid"), kind=ChatKind.DIRECT)


def event(name: str) -> Incoming:
    return Profile(person=Person(lid=Jid("1", "lid")), push_name=name)


@dataclass
class MemorySpool:
    events: deque[Incoming]
    lane: Lane = Lane.LIVE
    unreadable: int = 0  # poison among the next events
    dead: list[str] = field(default_factory=list)
    failures: int = 0
    ahead: list[int] = field(default_factory=list)
    limits: list[Mapping[Lane, int]] = field(default_factory=list)

    async def read(self, limits: Mapping[Lane, int]) -> SpooledBatch | None:
        self.limits.append(dict(limits))
        if self.failures:
            self.failures -= 1
            raise SpoolUnavailable
        incoming = list(self.events)[: limits[self.lane]]
        if not incoming and not self.unreadable:
            return None
        return SpooledBatch(
            lane=self.lane, incoming=incoming, rejected=self.unreadable, term=7
        )

    async def read_ahead(self, lane: Lane, limit: int) -> None:
        self.ahead.append(limit)

    async def trim(self, batch: SpooledBatch) -> None:
        self.unreadable = 0
        for _ in batch.incoming:
            self.events.popleft()

    async def reject(self, batch: SpooledBatch, reason: str) -> None:
        self.dead.append(reason)
        await self.trim(batch)

    async def depth(self) -> int:
        return len(self.events)


@dataclass
class MemoryIntake:
    poison: str | None = None
    failures: deque[ConnectorError] = field(default_factory=deque)
    after_storing: ConnectorError | None = None
    stored: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    stalled: bool = False
    asked: int = 0  # whether history has stalled

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        self.asked += 1
        return self.stalled

    async def store(
        self,
        session_id: SessionId,
        term: int,
        incoming: Sequence[Incoming],
    ) -> None:
        names = [str(item.push_name) for item in incoming if isinstance(item, Profile)]
        if self.failures:
            raise self.failures.popleft()
        if self.poison in names:
            raise InputRefused
        self.stored += [name for name in names if name not in self.stored]
        self.batches.append(len(names))
        if (error := self.after_storing) is not None:
            self.after_storing = None
            raise error


@dataclass
class Diary:
    """A SessionStore that only remembers events, of the current term only."""

    current_term: int = 7
    codes: list[str] = field(default_factory=list)
    counts: list[Json] = field(default_factory=list)

    async def report(
        self, session_id: SessionId, term: int, report: SessionReport
    ) -> None:
        raise AssertionError("ingestion reports no state")

    async def record_event(
        self,
        session_id: SessionId,
        term: int,
        *,
        level: str,
        code: str,
        message: str,
        details: Mapping[str, Json],
    ) -> None:
        if term != self.current_term:
            raise LeaseLost
        self.codes.append(code)
        self.counts.append(details["count"])


@dataclass
class Scene:
    memory: MemorySpool
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    diary: Diary = field(default_factory=Diary)
    clock: Clock = field(default_factory=HurriedClock)

    def spool(self, session_id: SessionId) -> Spool:
        return self.memory

    @property
    def ingestion(self) -> Ingestion:
        return Ingestion(cast("Launcher", self), self.intake, self.diary, self.clock)

    async def drain(self) -> None:
        async with asyncio.timeout(2):
            await self.ingestion.drain(SESSION)

    @contextlib.asynccontextmanager
    async def running(self, term: int = 7) -> AsyncIterator[RunningSession]:
        """Ingest beside a running session."""
        held = HeldLease(
            Lease(
                session=SessionRow(
                    session_id=SESSION,
                    desired_state=DesiredState.CONNECTED,
                    desired_revision=1,
                ),
                term=term,
                trusted_until=0,
            ),
            self.clock,
            ask_now=lambda: None,
        )
        session = RunningSession(held)
        task = asyncio.create_task(self.ingestion.run(session))
        yield session
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
def scene() -> Scene:
    return Scene(MemorySpool(deque(event(f"e{n}") for n in range(1, 1_201))))


async def test_a_burst_goes_in_bites_of_five_hundred(scene: Scene) -> None:
    await scene.drain()

    assert scene.intake.stored == [f"e{n}" for n in range(1, 1_201)]
    assert scene.intake.batches == [500, 500, 200]
    assert not scene.memory.events


async def test_an_outage_loses_nothing_and_stores_nothing_twice(scene: Scene) -> None:
    scene.intake.failures.extend(SupabaseUnavailable() for _ in range(20))

    await scene.drain()

    assert len(scene.intake.stored) == 1_200


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


class TestHistoryThatStalls:
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    async def look(
        self, scene: Scene, session: RunningSession, clock: ManualClock
    ) -> None:
        await clock.advance(60)
        session.spooled.set()
        await settle()

    async def minutes(self, scene: Scene, clock: ManualClock, count: int) -> int:
        """How often Supabase is asked in so many minutes."""
        async with scene.running() as session:
            await settle()
            for _ in range(count):
                await self.look(scene, session, clock)
                session.spooled.set()
                await settle()
        return scene.intake.asked

    async def test_it_is_asked_for_once_a_minute_and_not_for_ever(
        self, clock: ManualClock
    ) -> None:
        scene = Scene(MemorySpool(deque()), clock=clock)

        assert await self.minutes(scene, clock, 5) == 5
        assert 10 <= await self.minutes(scene, clock, 60) <= 5 + 12

    async def test_once_it_is_called_failed_nobody_asks_any_more(
        self, clock: ManualClock
    ) -> None:
        scene = Scene(MemorySpool(deque()), clock=clock)
        scene.intake.stalled = True

        assert await self.minutes(scene, clock, 5) == 1

    async def test_history_that_is_done_has_not_stalled(
        self, clock: ManualClock
    ) -> None:
        scene = Scene(
            MemorySpool(
                deque([HistoryProgress(percent=100, done=True)]), lane=Lane.HISTORY
            ),
            clock=clock,
        )

        assert await self.minutes(scene, clock, 5) == 0

    async def test_another_piece_is_waited_for_anew(self, clock: ManualClock) -> None:
        scene = Scene(MemorySpool(deque(), lane=Lane.HISTORY), clock=clock)
        async with scene.running() as session:
            for _ in range(30):
                await self.look(scene, session, clock)
            before = scene.intake.asked
            scene.memory.events.append(HistoryProgress(percent=10, done=False))
            session.spooled.set()
            await turns_until(lambda: not scene.memory.events)
            await self.look(scene, session, clock)

        assert scene.intake.asked == before + 1

    async def test_a_supabase_that_is_away_is_asked_again(
        self, clock: ManualClock
    ) -> None:
        scene = Scene(MemorySpool(deque()), clock=clock)

        async def away(*_: object) -> bool:
            scene.intake.asked += 1
            raise SupabaseUnavailable

        scene.intake.end_stalled_history = away  # type: ignore[method-assign] # the test's own
        assert await self.minutes(scene, clock, 3) == 3
