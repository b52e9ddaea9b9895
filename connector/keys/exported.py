"""The file that a number's device state travels in, from one project to another or to a safe.

    "ZAPBASE SESSION\\n" | 0x01 | its own random name (16) | part | part | …
    part = length (4) | sealed (sealing.py)

The first part is the header (JSON), the others hold 256 pages each, compressed. Every part
is bound to this file and to its place in it: none opens elsewhere, is missing or comes twice
without being noticed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

from connector.domain.device_state import LARGEST_PAGE, MOST_PAGES, SMALLEST_PAGE
from connector.errors import SealBroken
from connector.sealing import OVERHEAD, Sealer, named_key

MAGIC: Final = b"ZAPBASE SESSION\n"
VERSION: Final = 1
PURPOSE: Final = "session export"  # of the keys: they open nothing else
PAGES_A_PART: Final = 256
_NAME_SIZE: Final = 16
_LENGTH_SIZE: Final = 4
_LONGEST_PART: Final = PAGES_A_PART * LARGEST_PAGE + 65_536
_SQLITE: Final = b"SQLite format 3\0"

_CUT: Final = "This file ends too early: it was not copied whole. Copy it again."
_DAMAGED: Final = "This file was changed or put together from others: use another copy, or export again."


class ExportUnusable(Exception):
    """A sentence that says why, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    session_id: str  # that it was exported from
    exported_at: str
    page_size: int
    page_count: int


class ExportWriter:
    """Raises OSError."""

    def __init__(self, file: BinaryIO, sealer: Sealer, header: Header) -> None:
        self._file = file
        self._sealer = sealer
        self._name = os.urandom(_NAME_SIZE)
        self._parts = 0
        file.write(MAGIC + bytes([VERSION]) + self._name)
        self._write(json.dumps(asdict(header)).encode())

    def add(self, pages: Sequence[bytes]) -> None:
        """The next PAGES_A_PART pages; fewer only at the end."""
        self._write(zlib.compress(b"".join(pages)))

    def _write(self, plain: bytes) -> None:
        sealed = self._sealer.seal(plain, _context(self._name, self._parts))
        self._file.write(len(sealed).to_bytes(_LENGTH_SIZE) + sealed)
        self._parts += 1


class ExportReader:
    """Raises ExportUnusable, OSError, from the start on."""

    def __init__(self, file: BinaryIO, sealer: Sealer) -> None:
        self._file = file
        self._sealer = sealer
        if self._whole(len(MAGIC), "This is no exported session.") != MAGIC:
            raise ExportUnusable("This is no exported session.")
        [version] = self._whole(1)
        if version != VERSION:
            raise ExportUnusable(
                f"This file has format {version}, and this zapbase reads {VERSION}:"
                " use the one that wrote it, or a newer one."
            )
        self._name = self._whole(_NAME_SIZE)
        self._parts = 0
        self.header = _header(self._next())

    def pages(self) -> Iterator[list[bytes]]:
        """All pages, PAGES_A_PART at a time; once."""
        size, left = self.header.page_size, self.header.page_count
        while left:
            count = min(PAGES_A_PART, left)
            pages = _unpacked(self._next(), count * size)
            if left == self.header.page_count and not pages.startswith(_SQLITE):
                raise ExportUnusable(_DAMAGED)
            left -= count
            yield [pages[at : at + size] for at in range(0, len(pages), size)]
        if self._file.read(1):
            raise ExportUnusable(_DAMAGED)

    def _next(self) -> bytes:
        length = int.from_bytes(self._whole(_LENGTH_SIZE))
        if not OVERHEAD <= length <= _LONGEST_PART:
            raise ExportUnusable(_DAMAGED)
        sealed = self._whole(length)
        if not self._sealer.knows(sealed):
            raise ExportUnusable(
                f"This file is sealed with key {named_key(sealed)}, which is not given:"
                " name its file by --key-file, or add it to WA_STATE_KEY after a comma."
            )
        try:
            plain = self._sealer.open(sealed, _context(self._name, self._parts))
        except SealBroken as error:
            raise ExportUnusable(_DAMAGED) from error
        self._parts += 1
        return plain

    def _whole(self, size: int, otherwise: str = _CUT) -> bytes:
        found = self._file.read(size)
        if len(found) != size:
            raise ExportUnusable(otherwise)
        return found


def _context(name: bytes, part: int) -> bytes:
    return f"export/{VERSION}/{name.hex()}/{part}".encode()


def _header(plain: bytes) -> Header:
    try:
        said = json.loads(plain)
        header = Header(
            session_id=str(said["session_id"]),
            exported_at=str(said["exported_at"]),
            page_size=int(said["page_size"]),
            page_count=int(said["page_count"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ExportUnusable(_DAMAGED) from error
    sizes = SMALLEST_PAGE <= header.page_size <= LARGEST_PAGE
    if not (sizes and 0 < header.page_count <= MOST_PAGES):
        raise ExportUnusable(_DAMAGED)
    return header


def _unpacked(packed: bytes, size: int) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, size + 1)
    except zlib.error as error:
        raise ExportUnusable(_DAMAGED) from error
    if len(plain) != size or not unpacking.eof:
        raise ExportUnusable(_DAMAGED)
    return plain
