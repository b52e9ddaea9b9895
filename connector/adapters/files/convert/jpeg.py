"""Takes out of a JPEG what tells where, when and by whom it was made; not a pixel changes.

WhatsApp's own apps send pictures without it. Only how it is to be turned stays, and how
its colours are meant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from connector.adapters.files.convert.prepared import DAMAGED, Unsupported

_START: Final = b"\xff\xd8"
_END: Final = 0xD9
_SCAN: Final = 0xDA
_COMMENT: Final = 0xFE
_WITHOUT_LENGTH: Final = (0x01, *range(0xD0, 0xD8))
# What is kept of the segments that belong to applications, and how each begins.
_KEPT: Final = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}


def without_metadata(data: bytes, orientation: int) -> Iterator[bytes] | None:
    """The picture in pieces; None if there is nothing to take out.

    Raises Unsupported when it is cut off.
    """
    kept, end = _segments(data)
    dropped = end < len(data) or sum(stop - start for start, stop in kept) < end
    if not dropped:
        return None
    return _joined(data, kept, orientation)


def _joined(
    data: bytes, kept: list[tuple[int, int]], orientation: int
) -> Iterator[bytes]:
    view = memoryview(data)
    turned = orientation == 1
    for start, stop in kept:
        is_first_segment = start > 0 and data[start + 1] != 0xE0  # noqa: PLR2004 - JFIF
        if not turned and is_first_segment:
            yield _orientation(orientation)
            turned = True
        yield bytes(view[start:stop])


def _segments(data: bytes) -> tuple[list[tuple[int, int]], int]:
    """Where what is kept stands, and where the picture ends."""
    if not data.startswith(_START):
        raise Unsupported(DAMAGED)
    kept = [(0, len(_START))]
    at = len(_START)
    while True:
        marker, begins = _marker(data, at)
        if marker == _END:
            kept.append((begins, begins + 2))
            return kept, begins + 2
        ends = begins + 2
        if marker not in _WITHOUT_LENGTH:
            ends += _length(data, ends)
        if marker == _SCAN:
            ends = _end_of_scan(data, ends)
        if _is_kept(marker, data, begins + 4):
            kept.append((begins, ends))
        at = ends


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker, and where it begins; bytes to fill may stand before it."""
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    if data[at : at + 1] != b"\xff" or at + 1 >= len(data):
        raise Unsupported(DAMAGED)
    return data[at + 1], at


def _length(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):  # noqa: PLR2004 - it counts itself
        raise Unsupported(DAMAGED)
    return length


def _end_of_scan(data: bytes, at: int) -> int:
    """Where pixels end: in them, FF is followed by 00 or by a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Unsupported(DAMAGED)
        if data[at + 1] not in (0x00, 0xFF, *_WITHOUT_LENGTH[1:]):
            return at
        at += 1 if data[at + 1] == 0xFF else 2  # noqa: PLR2004 - see above


def _is_kept(marker: int, data: bytes, at: int) -> bool:
    if marker == _COMMENT:
        return False
    if 0xE0 <= marker <= 0xEF:  # noqa: PLR2004 - APP0 to APP15
        start = _KEPT.get(marker)
        return start is not None and data.startswith(start, at)
    return True


def _orientation(value: int) -> bytes:
    """An Exif segment that says nothing else."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, value, 0)
    body = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + bytes(4)
    return b"\xff\xe1" + struct.pack("!H", len(body) + 2) + body
