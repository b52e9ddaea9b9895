"""Media servers, rows and a bucket in memory, scripted by the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from connector.domain.media import FileResult
from connector.errors import ConnectorError
from connector.ports import ClaimedFile, SessionId
from tests.fakes.clock import NOON


def claimed(name: str, attempts: int = 1) -> ClaimedFile:
    return ClaimedFile(
        id=name,
        workspace_id="w1",
        sent_at=NOON,
        media_type="image",
        direct_path="/v?x",
        media_key=bytes(32),
        file_sha256=bytes(32),
        file_enc_sha256=bytes(32),
        attempts=attempts,
    )


@dataclass
class MemoryQueue:
    """What wa_claim_media and wa_finish_media do, for one session."""

    waiting: deque[ClaimedFile] = field(default_factory=deque)
    results: list[FileResult] = field(default_factory=list)
    failures: deque[ConnectorError] = field(default_factory=deque)
    claims: int = 0

    async def claim(
        self, session_id: SessionId, term: int, limit: int, lease: timedelta
    ) -> Sequence[ClaimedFile]:
        self.claims += 1
        if self.failures:
            raise self.failures.popleft()
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    async def finish(
        self, session_id: SessionId, term: int, results: Sequence[FileResult]
    ) -> None:
        self.results += results


class MemoryFile:
    size = 4
    sha256 = bytes(32)
    mime_type = "image/jpeg"

    async def content(self) -> AsyncIterator[bytes]:
        yield b"file"


@dataclass
class MemorySource:
    """Keeps every fetch waiting until it is let go."""

    fetching: set[str] = field(default_factory=set)
    failures: dict[str, Exception] = field(default_factory=dict)
    room: bool = True
    forgotten: list[str] = field(default_factory=list)
    swept: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def fetched(
        self, session_id: SessionId, claimed: ClaimedFile
    ) -> AsyncIterator[MemoryFile]:
        self.fetching.add(claimed.id)
        try:
            await self.go_on.wait()
            if claimed.id in self.failures:
                raise self.failures[claimed.id]
            yield MemoryFile()
        finally:
            self.fetching.discard(claimed.id)

    async def has_room(self) -> bool:
        return self.room

    async def forget(self, session_id: SessionId, attachment_id: str) -> None:
        self.forgotten.append(attachment_id)

    async def sweep(self) -> None:
        self.swept += 1


@dataclass
class MemoryStore:
    stored: dict[str, str] = field(default_factory=dict)  # content type by path
    failures: deque[ConnectorError] = field(default_factory=deque)

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        if self.failures:
            raise self.failures.popleft()
        self.stored[path] = content_type

    async def remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            self.stored.pop(path, None)
