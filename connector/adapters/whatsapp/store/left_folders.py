"""The folders of sessions on this machine, and the end of those nobody needs.

<data>/
    sessions/<session id>/project   the database that the session was last seen in

What they hold that was never stored is set aside with them (orphans.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.process.orders import LOCK_NAME
from connector.adapters.whatsapp.spool.overview import SESSIONS, depth
from connector.adapters.whatsapp.spool.writer import FILE_NAME as SPOOL_NAME
from connector.adapters.whatsapp.store import orphans
from connector.errors import SpoolUnavailable
from connector.ports import SessionId
from connector.ports.housekeeping import Discarded
from connector.whole_file import write_whole

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

    async def orphaned(self) -> Mapping[SessionId, datetime]:
        found = await asyncio.to_thread(self._orphans)
        return {session_id: orphan.since for session_id, orphan in found.items()}

    async def give_back(self, session_id: SessionId) -> None:
        orphan = (await asyncio.to_thread(self._orphans))[session_id]
        await asyncio.to_thread(orphans.give_back, self.data, orphan)

    async def remove_orphan(self, session_id: SessionId) -> int:
        return await asyncio.to_thread(self._remove_orphan, session_id)

    # --- in a thread -----------------------------------------------------------------

    def _found(self) -> list[SessionId]:
        orphans.sweep(self.data)
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
            held = _held(folder / SPOOL_NAME)
            self.let_go(session_id)
            if held:
                orphans.set_aside(self.data, folder)
                return Discarded.SET_ASIDE
            orphans.remove(self.data, folder)
        except (BlockingIOError, SpoolUnavailable):
            return Discarded.IN_USE
        finally:
            os.close(lock)
        return Discarded.GONE

    def _orphans(self) -> dict[SessionId, orphans.Orphan]:
        return {SessionId(one.session_id): one for one in orphans.orphans(self.data)}

    def _remove_orphan(self, session_id: SessionId) -> int:
        orphan = self._orphans()[session_id]
        try:
            held = _held(orphan.spool)
        except SpoolUnavailable:
            held = 0  # nobody will ever be able to tell
        orphans.remove(self.data, orphan.folder)
        return held

    def _folder(self, session_id: SessionId) -> Path:
        if not _UUID.fullmatch(session_id):
            raise ValueError("a session id is a UUID")
        return self.data / SESSIONS / session_id


def _held(spool: Path) -> int:
    """Events and dead letters. Raises SpoolUnavailable: what cannot be looked into may
    hold anything."""
    if not spool.exists():
        return 0
    found = depth(spool)
    return found.events + found.dead_letters
