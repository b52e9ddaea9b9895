"""Files on our disk while they are being sent: sealed, and gone with the block or with us.

<data>/sessions/<session id>/outgoing/<random>     for a row of that session
<data>/outgoing/<random>                           for link previews

Their keys are in memory only, so what a crash leaves behind is noise; it is swept at the
next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import threading
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connector import sealed_files
from connector.errors import FileUnavailable, InvalidPayload
from connector.ports import SessionId

HEAD_SIZE: Final = 8192  # what is kept of the beginning, to tell the type by
MEGABYTE: Final = 1024 * 1024
_SESSION_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")


class ScratchFolder:
    """The disk, of which others need some: `free_bytes` stay free."""

    def __init__(self, data: Path, free_bytes: int) -> None:
        self._data = data
        self._free_bytes = free_bytes

    def sweep(self) -> None:
        """Remove what an earlier process left; call it before anything is written."""
        for path in (
            *self._data.glob("sessions/*/outgoing/*"),
            *self._data.glob("outgoing/*"),
        ):
            path.unlink(missing_ok=True)

    @contextmanager
    def file(self, session_id: SessionId | None, most_bytes: int) -> Iterator[Scratch]:
        """An empty file for the length of the block. Raises FileUnavailable."""
        path = self._folder(session_id) / secrets.token_hex(8)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch = Scratch(path, most_bytes, self._free_bytes)
        except OSError as error:
            raise _no_room() from error
        try:
            yield scratch
        finally:
            scratch.finish()
            path.unlink(missing_ok=True)

    def _folder(self, session_id: SessionId | None) -> Path:
        if session_id is None:
            return self._data / "outgoing"
        if not _SESSION_ID.fullmatch(session_id):
            raise ValueError("a session id is letters, digits and hyphens")
        return self._data / "sessions" / session_id / "outgoing"


class Scratch:
    """One sealed file: written once from the beginning to the end, then read."""

    def __init__(self, path: Path, most_bytes: int, free_bytes: int) -> None:
        self.path = path
        self.key = sealed_files.new_key()
        self.size = 0
        self.head = b""
        self.most_bytes = most_bytes
        self._free_bytes = free_bytes
        self._hash = hashlib.sha256()
        self._sealing = sealed_files.sealing(self.key)
        self._file = os.fdopen(_created(path), "wb", buffering=0)
        # A write that nobody waits for any more must not meet a descriptor used anew.
        self._writing = threading.Lock()

    @property
    def sha256(self) -> bytes:
        """Of the plain bytes."""
        return self._hash.digest()

    async def fill(self, pieces: AsyncIterable[bytes]) -> None:
        """Raises InvalidPayload (media_too_large), FileUnavailable."""
        async for piece in pieces:
            await self.write(piece)
        self.finish()

    async def write(self, piece: bytes) -> None:
        """Raises InvalidPayload (media_too_large), FileUnavailable."""
        if self.size + len(piece) > self.most_bytes:
            raise too_large(self.most_bytes)
        await asyncio.to_thread(self._write, piece)

    def finish(self) -> None:
        with self._writing:
            self._file.close()

    @contextmanager
    def reading(self) -> Iterator[int]:
        """A descriptor of the sealed bytes. Raises FileUnavailable."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise FileUnavailable from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _write(self, piece: bytes) -> None:
        with self._writing:
            if self._file.closed:
                return
            try:
                self._demand_room(len(piece))
                _write_whole(self._file.fileno(), self._sealing.update(piece))
            except OSError as error:
                raise _no_room() from error
            self._hash.update(piece)
            self.size += len(piece)
            if len(self.head) < HEAD_SIZE:
                self.head = (self.head + piece)[:HEAD_SIZE]

    def _demand_room(self, size: int) -> None:
        disk = os.fstatvfs(self._file.fileno())
        if disk.f_bavail * disk.f_frsize - size < self._free_bytes:
            raise _no_room()


def too_large(most_bytes: int) -> InvalidPayload:
    return InvalidPayload(
        f"The file is larger than {most_bytes // MEGABYTE} MB, which is the most that "
        "is sent: make it smaller, send a link, or raise WA_SEND_LIMIT_MB.",
        code="media_too_large",
    )


def _created(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _write_whole(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _no_room() -> FileUnavailable:
    return FileUnavailable("There is no room on the connector's disk.")
