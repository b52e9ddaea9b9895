"""What the stories are made of: a running connector, linked numbers, people."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from devstack.app import PATIENCE, UNPACED, App, Row
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.supabase.local import LocalSupabase
from devstack.whatsapp import LinkedDevice, Person, SentMessage
from tests.acceptance.inbox import Inbox


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

    async def session_is(self, *states: str, within: float = PATIENCE) -> Row:
        return await self.app.session_is(self.session_id, *states, within=within)

    async def passes(self, state: str, within: float = PATIENCE) -> Row:
        """The session's row in a state that may last only a moment."""
        return await self.app.session_passes(self.session_id, state, within)

    async def wants(self, desired_state: str) -> None:
        await self.app.wants(self.session_id, desired_state)

    async def message(self, body: str, within: float = PATIENCE) -> Row:
        return await self.app.message_with(self.session_id, body, within)

    async def messages(self, **equal: object) -> list[Row]:
        return await self.app.messages(self.session_id, **equal)

    async def sends(self, to: str, text: str, **columns: object) -> str:
        return await self.app.sends(self.session_id, to, text, **columns)

    async def inserts(
        self, kind: str, payload: Row, to: str | None = None, **columns: object
    ) -> str:
        """Insert a row of any kind into the outbox; returns its id."""
        place = {} if to is None else {"to": to}
        row = {"session_id": self.session_id, "kind": kind, "payload": payload}
        [row_id] = await self.app.inserts({**row, **place, **columns})
        return row_id

    async def calls(self, function: str, **arguments: object) -> Row:
        """Call one of the functions that members may; what it returns."""
        answer = await self.app.client.rpc(function, arguments).execute()
        return answer.data  # type: ignore[return-value]  # a row

    async def waits_for(self, *row_ids: str) -> list[Row]:
        """Why these rows have not been sent yet."""
        return await self.app.why_waiting(self.session_id, *row_ids)

    async def uploads(self, name: str, data: bytes, mime_type: str) -> str:
        """Put a file where members may, as a web page does; its path in wa-media."""
        return await self.app.uploads(name, data, mime_type)

    async def shown(
        self, table: str, select: str = "*", within: float = PATIENCE, **equal: object
    ) -> Row:
        """The one such row of this number, once supabase-js shows it to the member.

        Nobody of another workspace is shown it.
        """
        equal = {"session_id": self.session_id, **equal}
        inbox = await self.world.inbox()

        async def look() -> Row | None:
            found = await inbox.rows(self.app, table, select, equal)
            assert len(found) <= 1, f"{len(found)} rows instead of one"
            return found[0] if found else None

        row = await self.app.until(look, within)
        stranger = await self.world.stranger()
        assert await inbox.rows(stranger, table, select, equal) == []
        return row

    async def said(self, sent: SentMessage, within: float = PATIENCE) -> Row:
        """The row of a message that somebody sent."""
        return await self.shown(
            "wa_messages", within=within, whatsapp_id=sent.whatsapp_id
        )

    async def becomes(
        self,
        sent: SentMessage,
        true_of: Callable[[Row], bool],
        within: float = PATIENCE,
    ) -> Row:
        """The row of a message, once something holds of it."""

        async def look() -> Row | None:
            found = await self.messages(whatsapp_id=sent.whatsapp_id)
            return found[0] if found and true_of(found[0]) else None

        return await self.app.until(look, within)

    async def bodies(self, count: int, within: float = PATIENCE) -> list[str]:
        """The bodies of all messages that came in, once there are this many."""

        async def look() -> list[str] | None:
            rows = await self.messages(from_me=False)
            return [row["body"] for row in rows] if len(rows) >= count else None

        return await self.app.until(look, within)

    async def still_works(self) -> None:
        """Somebody new is heard and answered."""
        bob = self.world.somebody("Bob")
        await bob.says(self.owner, "ainda aí?")
        await self.message("ainda aí?")
        row_id = await self.sends(bob.number, "sim")
        await self.app.outbox_is(row_id, "delivered")
        assert [heard.text for heard in bob.heard] == ["sim"]

    def worker_pid(self) -> int:
        """The process that runs this number."""
        return self.world.connector.worker_pid(self.session_id)


@dataclass
class World:
    """One Supabase, one WhatsApp, one connector."""

    stage: Stage
    connector: ConnectorProcess
    exits: AsyncExitStack
    numbers: Iterator[str] = field(default_factory=_numbers)
    _inbox: Inbox | None = None
    _stranger: App | None = None

    @classmethod
    @asynccontextmanager
    async def begin(cls, directory: Path, **settings: str) -> AsyncIterator[World]:
        async with Stage.set_up(directory) as stage, AsyncExitStack() as exits:
            connector = stage.connector(**settings)
            await connector.start()
            yield cls(stage, connector, exits)

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

    async def inbox(self) -> Inbox:
        """supabase-js, to see with."""
        if self._inbox is None:
            opened = Inbox.open(self.stage.supabase)
            self._inbox = await self.exits.enter_async_context(opened)
        return self._inbox

    async def stranger(self) -> App:
        """A user of the same project whom nothing here concerns."""
        if self._stranger is None:
            self._stranger = await self.stage.app("Somebody else's shop")
        return self._stranger

    async def app(self) -> App:
        return await self.stage.app()

    async def linked(self, owner: Person | None = None, **columns: object) -> Linked:
        """Link a number by QR, as its owner would; `columns` are the session's.

        It sends as fast as it can, unless they say otherwise.
        """
        owner = owner or self.somebody("Ana")
        app = await self.app()
        session_id = await app.adds_number(
            "Support", desired_state="connected", **{**UNPACED, **columns}
        )
        device = await owner.phone.scans(await app.qr_shown(session_id))
        await app.session_is(session_id, "connected")
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
