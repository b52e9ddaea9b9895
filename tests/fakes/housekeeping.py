"""Rubbish in memory, and who says what of it may go."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.ports import SessionId
from connector.ports.housekeeping import (
    Discarded,
    KnownSessions,
    OrphanedFiles,
    Tidied,
)
from tests.fakes.clock import NOON


@dataclass
class MemoryStore:
    """Answers in turn; when it has none left, there is nothing to do."""

    rows: deque[Tidied | Exception] = field(default_factory=deque)
    orphans: deque[OrphanedFiles] = field(default_factory=deque)
    project: str = "ours"
    sessions: set[SessionId] = field(default_factory=set)
    calls: int = 0

    async def tidy(self, limit: int) -> Tidied:
        self.calls += 1
        answer = self.rows.popleft() if self.rows else Tidied()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def orphaned_files(self, limit: int) -> OrphanedFiles:
        return self.orphans.popleft() if self.orphans else OrphanedFiles()

    async def known_sessions(self, session_ids: Sequence[SessionId]) -> KnownSessions:
        known = self.sessions.intersection(session_ids)
        return KnownSessions(project=self.project, known=frozenset(known))


@dataclass
class MemoryFiles:
    """Implements FileStore, as far as files are removed."""

    removed: list[list[str]] = field(default_factory=list)

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        raise AssertionError("housekeeping puts nothing anywhere")

    async def remove(self, paths: Sequence[str]) -> None:
        self.removed.append(list(paths))


@dataclass
class MemoryFolders:
    """Folders by session, each with the project it was last seen in."""

    projects: dict[SessionId, str | None] = field(default_factory=dict)
    needed: set[SessionId] = field(default_factory=set)
    aside: dict[SessionId, datetime] = field(default_factory=dict)
    discarded: list[SessionId] = field(default_factory=list)

    async def found(self) -> Sequence[SessionId]:
        return list(self.projects)

    async def project_of(self, session_id: SessionId) -> str | None:
        return self.projects[session_id]

    async def seen_in(self, session_id: SessionId, project: str) -> None:
        self.projects[session_id] = project

    async def discard(self, session_id: SessionId) -> Discarded:
        del self.projects[session_id]
        if session_id in self.needed:
            self.aside[session_id] = NOON
            return Discarded.SET_ASIDE
        self.discarded.append(session_id)
        return Discarded.GONE

    async def orphaned(self) -> Mapping[SessionId, datetime]:
        return dict(self.aside)

    async def give_back(self, session_id: SessionId) -> None:
        del self.aside[session_id]
        self.projects[session_id] = "ours"

    async def remove_orphan(self, session_id: SessionId) -> int:
        del self.aside[session_id]
        self.discarded.append(session_id)
        return 1
