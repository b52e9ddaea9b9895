"""What is thrown away: rows, files that nothing names, folders of sessions that are gone."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.ports.core import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What one call has done."""

    done: Mapping[str, int] = field(default_factory=dict)  # rows by step
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedFiles:
    """Paths in the bucket that are old and that nothing names, of what was looked at."""

    paths: Sequence[str] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSessions:
    """Which of the sessions asked about are there, and in which database."""

    project: str
    known: frozenset[SessionId]


class HousekeepingStore(Protocol):
    """Raises SupabaseUnavailable, SupabaseRefused."""

    async def tidy(self, limit: int) -> Tidied:
        """Throw away about `limit` rows at most; nothing while somebody else is at it."""

    async def orphaned_files(self, limit: int) -> OrphanedFiles:
        """Look at the next `limit` files; each is named once a day."""

    async def known_sessions(self, session_ids: Sequence[SessionId]) -> KnownSessions:
        """Whatever is not among the known ones does not exist in this database."""


class Discarded(enum.Enum):
    """What became of a folder."""

    GONE = "gone"
    SET_ASIDE = "set aside"  # its spool holds what was never stored, or dead letters
    IN_USE = "in use"  # a worker has it, or it cannot be looked into now


class SessionFolders(Protocol):
    """What this machine keeps of each session. Raises OSError."""

    async def found(self) -> Sequence[SessionId]: ...

    async def project_of(self, session_id: SessionId) -> str | None:
        """The database that this session was last seen in."""

    async def seen_in(self, session_id: SessionId, project: str) -> None:
        """Remember the database."""

    async def discard(self, session_id: SessionId) -> Discarded:
        """Remove all of it for good, or set it aside when it was not all stored."""

    async def orphaned(self) -> Mapping[SessionId, datetime]:
        """What was set aside, and since when."""

    async def give_back(self, session_id: SessionId) -> None:
        """Its session is there again, in a restored database."""

    async def remove_orphan(self, session_id: SessionId) -> int:
        """Remove for good what was set aside; return how many events that was."""
