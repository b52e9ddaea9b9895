"""What neonize forgot of history is fetched and supplied, once it is surely forgotten."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import pytest

from connector.errors import FetchFailed, MediaCorrupt, MediaExpired
from connector.ingestion.history_fetch import LOOK_SECONDS, PATIENCE, HistoryFetching
from connector.ports import (
    AwaitedPiece,
    ClaimedFile,
    MediaSource,
    SessionContext,
    SessionId,
)
from tests.fakes.clock import NOON, ManualClock, settle


def piece(name: str, announced_at: datetime) -> AwaitedPiece:
    return AwaitedPiece(
        name=name,
        id=name,
        announced_at=announced_at,
        direct_path="/v?x",
        media_key=bytes(32),
        file_sha256=bytes(32),
        file_enc_sha256=bytes(32),
    )


@dataclass
class Missing:
    pieces: list[AwaitedPiece]
    supplied: list[tuple[str, bytes, int]] = field(default_factory=list)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def awaited_history(self, before: datetime) -> list[AwaitedPiece]:
        return [one for one in self.pieces if one.announced_at < before]

    async def supply_history(
        self, piece: AwaitedPiece, content: bytes, term: int
    ) -> None:
        self.supplied.append((piece.name, content, term))
        await self.forget_history(piece)

    async def forget_history(self, piece: AwaitedPiece) -> None:
        self.pieces.remove(piece)
        self.settled.set()


@dataclass
class File:
    packed: bytes

    async def content(self) -> AsyncIterator[bytes]:
        yield self.packed[:5]
        yield self.packed[5:]


@dataclass
class Servers:
    packed: bytes = field(default_factory=lambda: zlib.compress(b"old messages"))
    failure: Exception | None = None
    forgotten: list[str] = field(default_factory=list)
    asked: int = 0

    @asynccontextmanager
    async def fetched(
        self, session_id: SessionId, claimed: ClaimedFile
    ) -> AsyncIterator[File]:
        assert claimed.media_type == "history"
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        yield File(self.packed)

    async def forget(self, session_id: SessionId, attachment_id: str) -> None:
        self.forgotten.append(attachment_id)


@dataclass
class Context:
    session_id: SessionId = field(default=SessionId("a-session"))
    term: int = 3
    logins: int = 1
    spooled: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_connected(self) -> None:
        return


@dataclass
class Scene:
    missing: Missing
    servers: Servers = field(default_factory=Servers)
    clock: ManualClock = field(default_factory=ManualClock)
    context: Context = field(default_factory=Context)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        fetching = HistoryFetching(
            missing=lambda _: self.missing,
            source=cast("MediaSource", self.servers),
            clock=self.clock,
            chance=lambda: 1.0,
        )
        task = asyncio.create_task(fetching.run(cast("SessionContext", self.context)))
        await settle()
        yield
        task.cancel()

    async def piece_settled(self) -> None:
        async with asyncio.timeout(10):
            await self.missing.settled.wait()
        await settle()


BEFORE = NOON - timedelta(seconds=1)


async def test_what_was_announced_before_this_login_is_supplied() -> None:
    scene = Scene(Missing([piece("old", BEFORE)]))

    async with scene.running():
        await scene.piece_settled()
        assert scene.missing.supplied == [("old", b"old messages", 3)]

    assert scene.missing.pieces == []
    assert scene.servers.forgotten == ["old"]
    assert scene.context.spooled.is_set()


async def test_what_was_announced_since_is_left_to_neonize_for_a_while() -> None:
    scene = Scene(Missing([piece("new", NOON + timedelta(seconds=1))]))

    async with scene.running():
        await scene.clock.advance(PATIENCE.total_seconds())
        assert len(scene.missing.pieces) == 1
        await scene.clock.advance(2 * LOOK_SECONDS)
        await scene.piece_settled()
        assert [name for name, *_ in scene.missing.supplied] == ["new"]


@pytest.mark.parametrize("failure", [MediaExpired(), MediaCorrupt("wrong_key")])
async def test_what_cannot_be_had_is_awaited_no_more(failure: Exception) -> None:
    scene = Scene(Missing([piece("old", BEFORE)]), Servers(failure=failure))

    async with scene.running():
        await scene.piece_settled()
        assert (scene.missing.pieces, scene.missing.supplied) == ([], [])


async def test_what_is_no_history_is_awaited_no_more() -> None:
    scene = Scene(Missing([piece("old", BEFORE)]), Servers(packed=b"no such thing"))

    async with scene.running():
        await scene.piece_settled()
        assert (scene.missing.pieces, scene.missing.supplied) == ([], [])


async def test_what_goes_on_failing_is_tried_ever_more_slowly() -> None:
    scene = Scene(Missing([piece("old", BEFORE)]), Servers(failure=FetchFailed()))

    async with scene.running():
        await scene.clock.advance(3600)

    assert 10 < scene.servers.asked < 60


async def test_what_fails_for_now_is_tried_again() -> None:
    scene = Scene(Missing([piece("old", BEFORE)]), Servers(failure=FetchFailed()))

    async with scene.running():
        assert len(scene.missing.pieces) == 1
        scene.servers.failure = None
        await scene.clock.advance(LOOK_SECONDS)
        await scene.piece_settled()
        assert [name for name, *_ in scene.missing.supplied] == ["old"]
