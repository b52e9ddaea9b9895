"""Encrypted files on our disk, on their way from WhatsApp to Storage.

<data>/sessions/<session id>/media/<attachment id>.part   while it is downloaded
<data>/sessions/<session id>/media/<attachment id>        whole; examined each time

Only ciphertext is ever here. What is here outlives the process, so that an outage or a
crash costs no second download. It gives way, oldest first, when room is needed; what
nobody came back for is swept after three days.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.ports import SessionId

KEPT_SECONDS: Final = 3 * 24 * 3600.0
_SESSION_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_ATTACHMENT_ID: Final = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of the disk files may take."""

    most_bytes: int  # all sessions together; transfers under way may exceed it
    free_bytes: int  # must stay free: several times what makes receiving stop


class MediaFolder:
    def __init__(self, data: Path, room: Room) -> None:
        self._sessions = data / "sessions"
        self._room = room
        self._in_use: set[Path] = set()

    def whole(self, session_id: SessionId, attachment_id: str) -> Path:
        if not _SESSION_ID.fullmatch(session_id):
            raise ValueError("a session id is letters, digits and hyphens")
        if not _ATTACHMENT_ID.fullmatch(attachment_id):
            raise ValueError("an attachment id is a UUID")
        return self._sessions / session_id / "media" / attachment_id

    def part(self, session_id: SessionId, attachment_id: str) -> Path:
        whole = self.whole(session_id, attachment_id)
        whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return whole.with_suffix(".part")

    def forget(self, session_id: SessionId, attachment_id: str) -> None:
        whole = self.whole(session_id, attachment_id)
        whole.unlink(missing_ok=True)
        whole.with_suffix(".part").unlink(missing_ok=True)

    @contextmanager
    def using(self, path: Path) -> Iterator[None]:
        """Keep a file while somebody is at it."""
        self._in_use.add(path)
        try:
            yield
        finally:
            self._in_use.discard(path)

    def make_room(self, size: int) -> bool:
        """Whether so many bytes more may be written, once others have given way."""
        idle = sorted(
            (path for path in self._files() if not self._is_in_use(path)), key=_age
        )
        while not self._fits(size):
            if not idle:
                return False
            idle.pop().unlink(missing_ok=True)
        return True

    def sweep(self) -> None:
        for path in self._files():
            if _age(path) > KEPT_SECONDS and not self._is_in_use(path):
                path.unlink(missing_ok=True)

    def _fits(self, size: int) -> bool:
        disk = os.statvfs(self._existing())
        free = disk.f_bavail * disk.f_frsize
        used = sum(_size(path) for path in self._files())
        room = self._room
        return free - size >= room.free_bytes and used + size <= room.most_bytes

    def _is_in_use(self, path: Path) -> bool:
        return path.with_suffix("") in self._in_use

    def _files(self) -> list[Path]:
        return list(self._sessions.glob("*/media/*"))

    def _existing(self) -> Path:
        """The folder, or what of the way to it there is."""
        return next(
            folder
            for folder in (self._sessions, *self._sessions.parents)
            if folder.exists()
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # finished meanwhile
        return 0


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
