"""Saved device states in memory, as the RPCs keep them; a worker's store on a disk."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from connector.adapters.whatsapp.store.device_store import WhatsAppStore
from connector.domain.device_state import Head
from connector.errors import (
    ConnectorError,
    LeaseLost,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import SealedPage, SessionId
from connector.ports.keys import Borrowed, StateKeys
from connector.sealing import named_key
from tests.fakes.supabase import ANA


@dataclass
class MemoryStates:
    """`wa_save_device_state` and its siblings, for one session."""

    newest: Head | None = None
    stored: dict[int, SealedPage] = field(default_factory=dict)
    staged: list[SealedPage] = field(default_factory=list)
    brought: list[int] = field(default_factory=list)  # pages of each call
    # Of the calls to come; None: that one is answered.
    failures: list[ConnectorError | None] = field(default_factory=list)
    # The answer to the next save is lost: it arrives all the same.
    unheard: bool = False

    async def head(self, session_id: SessionId, term: int) -> Head | None:
        self._answer()
        return self.newest

    async def pages(
        self, session_id: SessionId, term: int, first: int, limit: int
    ) -> Sequence[SealedPage]:
        self._answer()
        return [self.stored[page] for page in sorted(self.stored) if page >= first][
            :limit
        ]

    async def stage(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        self._answer()
        self._follow(generation)
        self.staged = [*([] if fresh else self.staged), *pages]
        self.brought.append(len(pages))

    async def save(
        self,
        session_id: SessionId,
        term: int,
        head: Head,
        page_count: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        self._answer()
        self._follow(head.generation)
        for page in [*([] if fresh else self.staged), *pages]:
            self.stored[page.page] = replace(page, generation=head.generation)
        for beyond in [number for number in self.stored if number >= page_count]:
            del self.stored[beyond]
        assert len(self.stored) == page_count
        self.newest, self.staged = head, []
        self.brought.append(len(pages))
        if self.unheard:
            self.unheard = False
            raise TimeoutError

    async def forget(self, session_id: SessionId, term: int) -> int:
        self._answer()
        generation = (self.newest.generation if self.newest else 0) + 1
        self.newest = Head(generation=generation, manifest=None)
        self.stored.clear()
        return generation

    def _follow(self, generation: int) -> None:
        if generation != (self.newest.generation if self.newest else 0) + 1:
            raise SupabaseRefused

    def _answer(self) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


@dataclass
class MemoryStateKeys:
    """`wa_device_state_keys`, `wa_reseal_device_pages` and `wa_borrow_lease`."""

    states: MemoryStates
    is_held: bool = False
    desired_state: str = "disconnected"
    taken_after: int | None = None  # exchanges; then a connector has the lease
    cut_off_after: int | None = None  # exchanges; then Supabase is away
    exchanges: int = 0

    async def all(self) -> AsyncIterator[StateKeys]:
        newest = self.states.newest
        if newest is not None and newest.manifest is not None:
            sealed = [page.sealed for page in self.states.stored.values()]
            keys = sorted({*map(named_key, [newest.manifest, *sealed])})
            yield StateKeys(
                session_id=ANA, state_keys=keys, claim_keys=(), is_held=self.is_held
            )

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        manifest: bytes | None,
    ) -> None:
        if self.exchanges == self.cut_off_after:
            raise SupabaseUnavailable
        if self.exchanges == self.taken_after:
            raise LeaseLost
        self.exchanges += 1
        newest = self.states.newest
        assert newest is not None
        assert newest.generation == generation
        for page in pages:
            assert self.states.stored[page.page].generation == page.generation
            self.states.stored[page.page] = page
        if manifest is not None:
            self.states.newest = replace(newest, manifest=manifest)

    async def borrow(self, session_id: SessionId) -> Borrowed | None:
        term = None if self.is_held else 7
        self.is_held = True
        return Borrowed(
            term=term, desired_state=self.desired_state, state="disconnected"
        )

    async def give_back(self, session_id: SessionId, term: int) -> None:
        assert term == 7
        self.is_held = False


@dataclass
class WorkersStore:
    """The worker's Go library, holding the store open as it does."""

    folder: Path
    connection: sqlite3.Connection | None = None

    def pair(self) -> None:
        WhatsAppStore(self.folder).prepare()
        self.open().executescript(
            """
            pragma journal_mode = wal;
            pragma synchronous = off;
            create table whatsmeow_device (jid text, lid text);
            create table whatsmeow_sessions (their_id text);
            create table whatsmeow_sender_keys (sender_id text);
            create table said (body text);
            insert into whatsmeow_device values ('5511900000001:2@s.whatsapp.net', null);
            insert into whatsmeow_sessions values ('somebody');
            """
        )

    def open(self) -> sqlite3.Connection:
        if self.connection is None:
            self.connection = sqlite3.connect(
                self.folder / "store.db", isolation_level=None
            )
        return self.connection

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def say(self, *bodies: str) -> None:
        connection = self.open()
        connection.execute("begin")
        connection.executemany(
            "insert into said values (?)", [(body,) for body in bodies]
        )
        connection.execute("commit")

    @property
    def said(self) -> list[str]:
        with _reading(self.folder) as connection:
            return [body for (body,) in connection.execute("select body from said")]

    @property
    def ratchets(self) -> int:
        with _reading(self.folder) as connection:
            (count,) = connection.execute(
                "select count(*) from whatsmeow_sessions"
            ).fetchone()
            return int(count)


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(folder / "store.db")) as connection:
        yield connection


def tampered(
    states: MemoryStates, change: Callable[[dict[int, SealedPage]], None]
) -> MemoryStates:
    """What somebody made of the pages who may write to Postgres, but has no key."""
    pages = dict(states.stored)
    change(pages)
    return MemoryStates(newest=states.newest, stored=pages)
