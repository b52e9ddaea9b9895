"""Ingestion: nothing is trimmed before it is stored, nothing bad blocks the rest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Json, Person
from connector.errors import (
    ConnectorError,
    InputRefused,
    LeaseLost,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ingestion.intake import Ingestion
from connector.ports import (
    DesiredState,
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
from tests.fakes.clock import HurriedClock, turns_until

SESSION = SessionId("s1")


def event(name: str) -> Incoming:
    return Profile(person=Person(lid=Jid("1", "lid")), push_name=name)


@dataclass
class MemorySpool:
    events: deque[tuple[int, Incoming]]
    dead: list[str] = field(default_factory=list)

    async def read(self, limit: int) -> SpooledBatch | None:
        batch = list(self.events)[:limit]
        if not batch:
            return None
        incoming = [item for _, item in batch]
        return SpooledBatch(incoming=incoming, up_to=batch[-1][0], term=7)

    async def trim(self, up_to: int) -> None:
        while self.events and self.events[0][0] <= up_to:
            self.events.popleft()

    async def reject(self, up_to: int, reason: str) -> None:
        self.dead.append(reason)
        await self.trim(up_to)

    async def depth(self) -> int:
        return len(self.events)


@dataclass
class MemoryIntake:
    poison: str | None = None
    failures: deque[ConnectorError] = field(default_factory=deque)
    after_storing: ConnectorError | None = None
    stored: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

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


@dataclass
class Scene:
    memory: MemorySpool
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    diary: Diary = field(default_factory=Diary)

    def spool(self, session_id: SessionId) -> Spool:
        return self.memory

    @property
    def ingestion(self) -> Ingestion:
        return Ingestion(
            cast("Launcher", self), self.intake, self.diary, HurriedClock()
        )

    async def drain(self) -> None:
        async with asyncio.timeout(2):
            await self.ingestion.drain(SESSION)

    async def run(self, term: int) -> None:
        """Ingest beside a running session until the spool is empty."""
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
            HurriedClock(),
            ask_now=lambda: None,
        )
        running = asyncio.create_task(self.ingestion.run(RunningSession(held)))
        await turns_until(lambda: running.done() or not self.memory.events)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.fixture
def scene() -> Scene:
    numbered = ((n, event(f"e{n}")) for n in range(1, 1_201))
    return Scene(MemorySpool(deque(numbered)))


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

    await scene.run(term=8)

    assert scene.diary.codes == ["event_refused"]


async def test_a_dead_letter_of_a_session_that_does_not_run_stops_nothing(
    scene: Scene,
) -> None:
    scene.intake.poison = "e1"
    scene.diary.current_term = 8

    await scene.drain()

    assert len(scene.intake.stored) == 1_199
