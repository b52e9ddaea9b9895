"""What is due about people, a bucket, picture servers and a phone's settings, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

from connector.domain.addresses import Jid
from connector.domain.look_ups import NumberAnswer
from connector.domain.presence import Presence
from connector.domain.saved import Saved
from connector.errors import ConnectorError
from connector.ports import DueLookup, SessionId, SessionRow, Worker
from tests.fakes.supabase import ANA, wanted


@dataclass
class Beside:
    """A session as its companions see it; connected while it has a worker."""

    online: Worker | None
    session_id: SessionId = ANA
    term: int = 7
    trusted_until: float = inf
    session: SessionRow = field(default_factory=wanted)
    appear_online: bool = False
    logins: int = 1
    spooled: asyncio.Event = field(default_factory=asyncio.Event)
    _connected: asyncio.Event = field(default_factory=asyncio.Event)

    def worker(self) -> Worker | None:
        return self.online

    async def until_connected(self) -> Worker:
        while self.online is None:
            self._connected.clear()
            await self._connected.wait()
        return self.online

    def comes_back(self, online: Worker) -> None:
        self.online = online
        self.logins += 1
        self._connected.set()


@dataclass
class MemoryPeople:
    """What is due, handed out once; and what was told."""

    waiting: list[DueLookup] = field(default_factory=list)
    recorded: dict[Jid, tuple[str | None, str | None]] = field(default_factory=dict)
    shown: list[Sequence[Presence]] = field(default_factory=list)
    looks: int = 0
    failures: list[ConnectorError] = field(default_factory=list)

    async def due(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[DueLookup]:
        self.looks += 1
        self._answer()
        handed_out, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return handed_out

    async def record_picture(
        self,
        session_id: SessionId,
        term: int,
        jid: Jid,
        *,
        picture_id: str | None,
        path: str | None,
    ) -> str | None:
        self._answer()
        _, before = self.recorded.get(jid, (None, None))
        self.recorded[jid] = picture_id, path
        return before

    async def show(
        self, session_id: SessionId, term: int, shown: Sequence[Presence]
    ) -> None:
        self._answer()
        self.shown.append(shown)

    def _answer(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class MemoryNumbers:
    """Numbers to check, handed out once, and what came of them; a doorbell for them."""

    waiting: list[str] = field(default_factory=list)
    recorded: dict[str, NumberAnswer] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    pauses: list[timedelta] = field(default_factory=list)
    looks: int = 0
    failures: list[ConnectorError] = field(default_factory=list)
    healthy: bool = True
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def due_numbers(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[str]:
        self.looks += 1
        self._answer()
        handed_out, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return handed_out

    async def record_numbers(
        self,
        session_id: SessionId,
        term: int,
        answers: Sequence[NumberAnswer],
        unanswered: Sequence[str],
    ) -> None:
        self._answer()
        self.recorded |= {answer.asked: answer for answer in answers}
        self.unanswered += unanswered

    async def pause_numbers(
        self, session_id: SessionId, term: int, pause: timedelta
    ) -> None:
        self._answer()
        self.pauses.append(pause)

    async def wait_numbers(self, session_id: SessionId, at_most: float) -> None:
        """Rings only when a test says so: a look anyway is the store's next ring."""
        await self.rung.wait()
        self.rung.clear()

    def _answer(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class MemoryFiles:
    """A bucket, and servers that have every picture."""

    kept: dict[str, bytes] = field(default_factory=dict)
    failures: list[ConnectorError] = field(default_factory=list)

    async def fetch(self, url: str) -> bytes:
        if self.failures:
            raise self.failures.pop(0)
        return url.encode()

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        assert isinstance(content, bytes)
        assert len(content) == size
        self.kept[path] = content

    async def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            self.kept.pop(path, None)


@dataclass
class MemorySaved:
    """A phone's settings, as a store has them."""

    now: Saved | None = None
    writes: int = 0
    versions: int = 0
    reads: int = 0

    def becomes(self, saved: Saved) -> None:
        self.now = saved
        self.writes += 1
        self.versions += 1

    def pulse(self) -> object:
        return self.writes

    async def version(self) -> str:
        return str(self.versions)

    async def saved(self) -> Saved | None:
        self.reads += 1
        return self.now
