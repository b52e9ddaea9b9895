"""A number's keys: saved in Postgres page by page, sealed; and the store they come from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from connector.domain.device_state import Head, Known
from connector.ports.core import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPage:
    page: int  # from 0 on
    generation: int  # of the save that brought it
    sealed: bytes = field(repr=False)


class DeviceStates(Protocol):
    """What is saved. Raises SupabaseUnavailable, SupabaseRefused, LeaseLost."""

    async def head(self, session_id: SessionId, term: int) -> Head | None:
        """The newest generation; None when nothing was ever saved."""

    async def pages(
        self, session_id: SessionId, term: int, first: int, limit: int
    ) -> Sequence[SealedPage]:
        """Pages of the newest generation from `first` on, in order."""

    async def stage(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        """Bring pages of the next generation beforehand: they count once it is saved.

        `fresh` forgets what an earlier attempt may have left.
        """

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
        """Make `head` the newest generation, with these pages: all of it or nothing.

        Not `fresh`: what was staged counts, too.
        """

    async def forget(self, session_id: SessionId, term: int) -> int:
        """Delete all of it; the generation that says so. Twice does no harm."""


class StoreCopy(Protocol):
    """The store as it was at one moment; readable as long as it is held."""

    @property
    def page_size(self) -> int: ...
    @property
    def hashes(self) -> Sequence[bytes]:
        """Of each page."""

    def read(self, page: int) -> bytes: ...


class StoreDraft(Protocol):
    """A store that is being restored; nothing counts before it is finished."""

    def append(self, page: bytes) -> None: ...
    def finish(self, *, complete: bool) -> str:
        """Put it in the place of what is there, as a copy of its own: its lineage.

        It goes on with its ratchets only when it is `complete`. Raises BlockingIOError
        while a worker holds the folder.
        """


class LocalState(Protocol):
    """The store on this machine. Every method may block: call it in a thread.

    Raises OSError, sqlite3.Error.
    """

    def pulse(self) -> object:
        """Changes when anything is written to the store; does not block."""

    def paired_lineage(self) -> str | None:
        """The lineage of a store that holds a device; None when there is no such."""

    def known(self) -> Known | None:
        """What this very copy of the store knows to be saved."""

    def note(self, known: Known) -> None: ...
    def copy(self) -> AbstractContextManager[StoreCopy | None]:
        """The store as it is now; None when it holds no device."""

    def at_rest(self) -> AbstractContextManager[bool]:
        """Whether no worker runs; none can while this is held."""

    def draft(self) -> AbstractContextManager[StoreDraft]: ...
    def discard(self, forgotten: int) -> None:
        """Delete the store, and remember that this saved generation has to go as well.

        Raises BlockingIOError while a worker holds the folder.
        """

    def to_forget(self) -> int | None:
        """The saved generation that has to go, when it may still be there."""

    def has_forgotten(self) -> None: ...
