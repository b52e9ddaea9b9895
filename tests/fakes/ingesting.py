"""A spool, an intake and a diary in memory, and ingestion between them."""

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
from connector.domain.incoming import Incoming
from connector.domain.messages import (
    Json,
    Person,
)
from connector.errors import (
    ConnectorError,
    InputRefused,
    LeaseLost,
    SpoolUnavailable,
    SupabaseUnavailable,
)
from connector.ingestion.intake import Ingestion
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
    HurriedClock,
)

SESSION = SessionId("s1")


SESSION = SessionId("s1")


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

    followed: SessionRow | None = None

    def follow(self, session: SessionRow) -> None:
        self.followed = session

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
    away: bool = False
    asked: int = 0  # whether history has stalled

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        self.asked += 1
        if self.away:
            raise SupabaseUnavailable
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
        async with asyncio.timeout(30):
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
