"""What a kind's preparing comes to, and how it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from connector.adapters.files.convert.job import PIECE, Answer
from connector.domain.media import OCTETS
from connector.file_types import sniffed

HEAD_SIZE: Final = 8192
DAMAGED: Final = "The file is damaged, or cut off: it cannot be read to its end."
AS_DOCUMENT: Final = "send it as a document"


class Unsupported(Exception):
    """Holds a sentence for the app: what the file is, and what helps."""


class TooLarge(Exception):
    """What came out is larger than what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`data`: the file as it is to be sent; None: as it came."""

    answer: Answer
    data: Iterator[bytes] | None = None


def head_of(file: BinaryIO) -> bytes:
    """Its first bytes; the file stands at its beginning again."""
    file.seek(0)
    head = file.read(HEAD_SIZE)
    file.seek(0)
    return head


def not_one(head: bytes, wanted: str, cure: str = AS_DOCUMENT) -> Unsupported:
    """`wanted` as in "not a picture that WhatsApp shows"."""
    return Unsupported(f"This is {named(head)}, not {wanted}: {cure}.")


def named(head: bytes) -> str:
    if (found := sniffed(head)) != OCTETS:
        return found
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start[:1024]:
        return "image/svg+xml"
    if start.startswith((b"<!doctype html", b"<html")):
        return "text/html, a web page"
    return "a file of an unknown type"


def in_pieces(data: bytes | memoryview) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(view), PIECE):
        yield bytes(view[start : start + PIECE])
