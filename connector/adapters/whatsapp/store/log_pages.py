"""Where SQLite keeps the pages of a store that is being written: its write-ahead log.

Only what it takes to find a page in a snapshot (https://sqlite.org/walformat.html):

    store.db-shm  the index's header, twice, then how many frames are in the file already
    store.db-wal  a header, then frames; the last frame of a page is its newest version

A log begins anew, under another salt, once all of it is in the file.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import Final

# Version, unused, changes, is valid, byte order, page size, frames, pages, checksum; salt.
_INDEX: Final = struct.Struct("=IIIBBHII8s8s8s")
_FILED: Final = struct.Struct("=I")
_LOG_HEADER_SIZE: Final = 32
_FRAME: Final = struct.Struct(">II8s8s")  # page, pages after a commit, salt, checksum


@dataclass(frozen=True, slots=True)
class LogIndex:
    """What the index says at one moment. Another commit, another `header`."""

    header: bytes
    filed: int  # frames whose pages are in the file already

    @classmethod
    def read(cls, descriptor: int) -> LogIndex | None:
        """None while somebody is writing it. Raises OSError."""
        found = os.pread(descriptor, 2 * _INDEX.size + _FILED.size, 0)
        if len(found) < 2 * _INDEX.size + _FILED.size:
            return None
        first, second = found[: _INDEX.size], found[_INDEX.size : 2 * _INDEX.size]
        if first != second:
            return None
        return cls(first, _FILED.unpack_from(found, 2 * _INDEX.size)[0])

    @property
    def frames(self) -> int:
        return int(_INDEX.unpack(self.header)[6])

    @property
    def salt(self) -> bytes:
        return bytes(_INDEX.unpack(self.header)[9])


@dataclass(slots=True)
class LogPages:
    """Which frame has a page, as far as the log was read."""

    salt: bytes
    page_size: int
    frames: int = 0
    place: dict[int, int] = field(default_factory=dict)  # page from 1 on → frame

    def read_on(self, descriptor: int, frames: int) -> set[int]:
        """The pages of the frames since, up to this one.

        Raises OSError, also when the log began anew under its reader.
        """
        pages = set()
        for frame in range(self.frames + 1, frames + 1):
            head = os.pread(descriptor, _FRAME.size, self._offset(frame))
            if len(head) < _FRAME.size:
                raise OSError("a store's log ends too early")
            page, _, salt, _ = _FRAME.unpack(head)
            if salt != self.salt:
                raise OSError("a store's log began anew under its reader")
            pages.add(page)
            self.place[page] = frame
        self.frames = frames
        return pages

    def page(self, descriptor: int, page: int) -> bytes | None:
        """None: the page is in the file."""
        frame = self.place.get(page)
        if frame is None:
            return None
        return os.pread(descriptor, self.page_size, self._offset(frame) + _FRAME.size)

    def _offset(self, frame: int) -> int:
        return _LOG_HEADER_SIZE + (frame - 1) * (_FRAME.size + self.page_size)
