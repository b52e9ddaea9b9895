"""The folders of sessions on this machine, and the end of those nobody needs.

<data>/
    sessions/<session id>/project   the database that the session was last seen in
    leaving/<session id>/           on its way out: moved there whole, then deleted
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.process.orders import LOCK_NAME
from connector.adapters.whatsapp.spool.overview import SESSIONS, overview
from connector.adapters.whatsapp.spool.writer import FILE_NAME as SPOOL_NAME
from connector.adapters.whatsapp.whole_file import write_whole
from connector.errors import SpoolUnavailable
from connector.ports import SessionId
from connector.ports.housekeeping import Discarded

LEAVING: Final = "leaving"
PROJECT_NAME: Final = "project"
# As Postgres writes them; whatever else lies there is not ours to judge.
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class LeftFolders:
    """Implements SessionFolders. `let_go` closes what we have open of a session."""

    data: Path
    let_go: Callable[[SessionId], None]

    async def found(self) -> Sequence[SessionId]:
        return await asyncio.to_thread(self._found)

    async def project_of(self, session_id: SessionId) -> str | None:
        return await asyncio.to_thread(self._project_of, session_id)

    async def seen_in(self, session_id: SessionId, project: str) -> None:
        file = self._folder(session_id) / PROJECT_NAME
        await asyncio.to_thread(write_whole, file, project)

    async def discard(self, session_id: SessionId) -> Discarded:
        return await asyncio.to_thread(self._discard, session_id)

    # --- in a thread -----------------------------------------------------------------

    def _found(self) -> list[SessionId]:
        # Of a round that was killed.
        shutil.rmtree(self.data / LEAVING, ignore_errors=True)
        folders = (self.data / SESSIONS).glob("*/")
        names = sorted(folder.name for folder in folders)
        return [SessionId(name) for name in names if _UUID.fullmatch(name)]

    def _project_of(self, session_id: SessionId) -> str | None:
        try:
            return (self._folder(session_id) / PROJECT_NAME).read_text("ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def _discard(self, session_id: SessionId) -> Discarded:
        folder = self._folder(session_id)
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _holds_anything(session_id, folder / SPOOL_NAME):
                return Discarded.NEEDED
            self.let_go(session_id)
            self._remove(folder)
        except (BlockingIOError, SpoolUnavailable):
            return Discarded.IN_USE
        finally:
            os.close(lock)
        return Discarded.GONE

    def _remove(self, folder: Path) -> None:
        leaving = self.data / LEAVING
        leaving.mkdir(mode=0o700, exist_ok=True)
        folder.rename(leaving / folder.name)
        shutil.rmtree(leaving, ignore_errors=True)

    def _folder(self, session_id: SessionId) -> Path:
        if not _UUID.fullmatch(session_id):
            raise ValueError("a session id is a UUID")
        return self.data / SESSIONS / session_id


def _holds_anything(session_id: SessionId, spool: Path) -> bool:
    """Raises SpoolUnavailable: what cannot be looked into may hold anything."""
    if not spool.exists():
        return False
    held = overview(session_id, spool)
    return bool(held.live or held.history or held.dead_letters)
