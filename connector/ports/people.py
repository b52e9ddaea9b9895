"""What is asked and told about people and groups (docs/people.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from connector.domain.addresses import Jid
from connector.domain.chats import Aspect
from connector.domain.look_ups import NumberAnswer
from connector.domain.presence import Presence
from connector.domain.saved import Saved
from connector.ports.core import SessionId
from connector.ports.session import SessionContext
from connector.ports.whatsapp import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class DueLookup:
    """Something about a person or group that is not known, or was asked long ago."""

    aspect: Aspect
    jid: Jid
    picture_id: str | None  # the one that is stored
    owner_id: str  # of the chat or contact; a part of the picture's path
    workspace_id: str


class SavedState(Protocol):
    """What the phone's owner named and set, as the session's store has it."""

    def pulse(self) -> object:
        """Another value once anything was written to the store."""

    async def version(self) -> str:
        """Another value once the phone told of a change; what it is follows soon."""

    async def saved(self) -> Saved | None:
        """All of it; None while nothing is linked."""


class PeopleStore(Protocol):
    """Raises SupabaseUnavailable, SupabaseRefused, LeaseLost."""

    async def due(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[DueLookup]:
        """What to ask next, most recently active first."""

    async def record_picture(
        self,
        session_id: SessionId,
        term: int,
        jid: Jid,
        *,
        picture_id: str | None,
        path: str | None,
    ) -> str | None:
        """Say which picture is shown; the path of the one before, to be removed.

        An empty id: there is none. None: hidden, or not to be had for now.
        """

    async def show(
        self, session_id: SessionId, term: int, shown: Sequence[Presence]
    ) -> None:
        """Tell whoever looks; nothing is kept."""


class NumberStore(Protocol):
    """Raises SupabaseUnavailable, SupabaseRefused, LeaseLost."""

    async def due_numbers(
        self, session_id: SessionId, term: int, limit: int
    ) -> Sequence[str]:
        """Numbers (digits) that an app wants checked; not returned again for a while."""

    async def record_numbers(
        self,
        session_id: SessionId,
        term: int,
        answers: Sequence[NumberAnswer],
        unanswered: Sequence[str],
    ) -> None:
        """Keep what WhatsApp said, and of which numbers it said nothing."""

    async def pause_numbers(
        self, session_id: SessionId, term: int, pause: timedelta
    ) -> None:
        """Let none be due before; the longest such pause counts."""


class Numbers(Protocol):
    """Asks WhatsApp whom numbers belong to, no faster than it bears, and remembers."""

    async def ask(
        self, context: SessionContext, worker: Worker, numbers: Sequence[str]
    ) -> Sequence[NumberAnswer]:
        """Ask about at most 50 numbers (digits); who is not answered for is left out.

        Raises NotConnected, WorkerGone, LookupRefused; the latter without asking, while
        a pause lasts that an earlier refusal began.
        """


class NumberBell(Protocol):
    """Rung when an app wants numbers checked; never relied upon."""

    @property
    def healthy(self) -> bool:
        """False while a ring may be missed: look more often."""

    async def wait_numbers(self, session_id: SessionId, at_most: float) -> None:
        """Until numbers of this session may be due, or the time is up."""
