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
from collections.abc import Iterator, Mapping
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

    most_bytes: int  # all sessions together
    free_bytes: int  # must stay free: several times what makes receiving stop


class MediaFolder:
    def __init__(self, data: Path, room: Room) -> None:
        self._sessions = data / "sessions"
        self._room = room
        self._in_use: dict[Path, int] = {}  # how large each will be, as far as is known

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
        self._in_use[path] = 0
        try:
            yield
        finally:
            self._in_use.pop(path, None)

    def expect(self, path: Path, size: int) -> bool:
        """Whether a file in use may become so large; room for the rest of it is kept."""
        before = self._in_use[path]
        self._in_use[path] = size
        if self.make_room():
            return True
        self._in_use[path] = before
        return False

    def make_room(self) -> bool:
        """Whether all that is expected fits; idle files give way, unless in vain."""
        sizes = {path: size_of(path) for path in self._files()}
        idle = sorted((path for path in sizes if not self._is_in_use(path)), key=_age)
        lacking = self._lacking(sizes)
        if lacking > sum(sizes[path] for path in idle):
            return False
        while lacking > 0:
            path = idle.pop()
            path.unlink(missing_ok=True)
            lacking -= sizes[path]
        return True

    def allows(self, size: int) -> bool:
        """Whether the disk takes so many bytes more, wherever they are written."""
        return self._free() - size >= self._room.free_bytes

    def sweep(self) -> None:
        for path in self._files():
            if _age(path) > KEPT_SECONDS and not self._is_in_use(path):
                path.unlink(missing_ok=True)

    def _lacking(self, sizes: Mapping[Path, int]) -> int:
        """How many bytes are too many, once all that is expected is there."""
        to_come = sum(
            max(0, size - sizes.get(path, 0) - sizes.get(path.with_suffix(".part"), 0))
            for path, size in self._in_use.items()
        )
        return max(
            self._room.free_bytes + to_come - self._free(),
            sum(sizes.values()) + to_come - self._room.most_bytes,
        )

    def _free(self) -> int:
        disk = os.statvfs(self._existing())
        return disk.f_bavail * disk.f_frsize

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


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # finished meanwhile
        return 0


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
