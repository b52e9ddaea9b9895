"""Takes out of a PNG what tells where, when and by whom it was made; not a pixel changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connector.adapters.files.convert.prepared import DAMAGED, Unsupported

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_AROUND: Final = 12  # a chunk's length, name and checksum
_TAKEN_OUT: Final = (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME")


def without_metadata(data: bytes) -> Iterator[bytes] | None:
    """The picture in pieces; None if there is nothing to take out.

    Raises Unsupported when it is cut off.
    """
    kept, size = [(0, len(_SIGNATURE))], len(_SIGNATURE)
    for name, start, stop in _chunks(data):
        if name not in _TAKEN_OUT:
            kept.append((start, stop))
            size += stop - start
    if size == len(data):
        return None
    view = memoryview(data)
    return (bytes(view[start:stop]) for start, stop in kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = len(_SIGNATURE)
    while True:
        stop = at + _AROUND + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if stop > len(data):
            raise Unsupported(DAMAGED)
        yield name, at, stop
        if name == b"IEND":
            return
        at = stop
