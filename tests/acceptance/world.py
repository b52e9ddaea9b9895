"""What the stories are made of: a running connector, linked numbers, people."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from devstack.app import App, Row
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.supabase import LocalSupabase
from devstack.whatsapp import LinkedDevice, Person


def _numbers() -> Iterator[str]:
    return (f"55119{number:08}" for number in itertools.count(10_000_000, 7))


@dataclass
class Linked:
    """A number that is linked and connected, and the app it belongs to."""

    world: World
    app: App
    session_id: str
    owner: Person
    device: LinkedDevice

    async def session(self) -> Row:
        return await self.app.session(self.session_id)

    async def session_is(self, *states: str, within: float = 10.0) -> Row:
        return await self.app.session_is(self.session_id, *states, within=within)

    async def wants(self, desired_state: str) -> None:
        await self.app.wants(self.session_id, desired_state)

    async def message(self, body: str, within: float = 10.0) -> Row:
        return await self.app.message_with(self.session_id, body, within)

    async def messages(self, **equal: object) -> list[Row]:
        return await self.app.messages(self.session_id, **equal)

    async def sends(self, to: str, text: str, **columns: object) -> str:
        return await self.app.sends(self.session_id, to, text, **columns)

    async def bodies(self, count: int, within: float = 30.0) -> list[str]:
        """The bodies of all messages that came in, once there are this many."""

        async def look() -> list[str] | None:
            rows = await self.messages(from_me=False)
            return [row["body"] for row in rows] if len(rows) >= count else None

        return await self.app.until(look, within)

    def worker_pid(self) -> int:
        """The process that runs this number."""
        folder = self.world.connector.data_folder / "sessions" / self.session_id
        return _holder_of(folder / "lock")


@dataclass
class World:
    """One Supabase, one WhatsApp, one connector."""

    stage: Stage
    connector: ConnectorProcess
    numbers: Iterator[str] = field(default_factory=_numbers)

    @classmethod
    @asynccontextmanager
    async def begin(cls, directory: Path, **settings: str) -> AsyncIterator[World]:
        async with Stage.set_up(directory) as stage:
            connector = stage.connector(**settings)
            await connector.start()
            yield cls(stage, connector)

    @property
    def local(self) -> LocalSupabase:
        """The servers, to be unkind to; skips the story when they are not ours."""
        supabase = self.stage.supabase
        if not isinstance(supabase, LocalSupabase):
            pytest.skip("this story stops servers, and these are somebody else's")
        return supabase

    def somebody(self, name: str, *, on_whatsapp: bool = True) -> Person:
        """Invent a person with a number nobody has yet."""
        return self.stage.whatsapp.person(
            next(self.numbers), name, on_whatsapp=on_whatsapp
        )

    async def app(self) -> App:
        return await self.stage.app()

    async def linked(self, owner: Person | None = None) -> Linked:
        """Link a number by QR, as its owner would."""
        owner = owner or self.somebody("Ana")
        app = await self.app()
        session_id = await app.adds_number(desired_state="connected")
        device = await owner.phone.scans(await app.qr_shown(session_id, within=20))
        await app.session_is(session_id, "connected", within=20)
        return Linked(self, app, session_id, owner, device)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Past every API, as psql would: the truth while the gateway is away."""
        connection = await asyncpg.connect(self.stage.supabase.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    def assert_nothing_went_unanswered(self) -> None:
        whatsapp = self.stage.whatsapp
        assert [node.xml() for node in whatsapp.unanswered] == []
        assert whatsapp.escaped == []


def _holder_of(lock: Path) -> int:
    """The process that holds a lock, from the kernel's table of locks."""
    inode = lock.stat().st_ino
    for line in Path("/proc/locks").read_text("ascii").splitlines():
        parts = line.split()
        if parts[5].rpartition(":")[2] == str(inode):
            return int(parts[4])
    raise LookupError("nobody holds the lock")
