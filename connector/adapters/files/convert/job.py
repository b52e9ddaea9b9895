"""What the child is asked, and what it answers; both ends use this.

    parent -> stdin    one JSON object: the job
    child -> stdout    frames: `D` and a piece of the new file, any number of times,
                       then `A` and one JSON object: the answer
    frame = kind (1) | length (4, big-endian) | bytes

A child that ends without an answer was broken by the file, or stopped.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, field
from typing import Any, Final

PIECE: Final = 256 * 1024
HEADER: Final = struct.Struct("!cI")
DATA: Final = b"D"
ANSWER: Final = b"A"
WAVEFORM_STEPS: Final = 64
LARGEST_THUMBNAIL: Final = 16 * 1024  # bytes
THUMBNAIL_SIDE: Final = 100  # pixels
LONGEST_SENTENCE: Final = 300
_LARGEST_SIDE: Final = 65_536  # pixels
_LONGEST: Final = 7 * 24 * 3600 * 1000  # milliseconds
THUMBNAIL: Final = (
    "thumbnail"  # a job besides the kinds of media: only that of a picture
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A sealed file that the child has open, and what it is to become."""

    kind: str  # a MediaKind, or THUMBNAIL
    descriptor: int
    key: bytes = field(repr=False)
    size: int  # bytes
    most_bytes: int  # of what comes out

    def encoded(self) -> bytes:
        return json.dumps(
            {
                "kind": self.kind,
                "descriptor": self.descriptor,
                "key": self.key.hex(),
                "size": self.size,
                "most_bytes": self.most_bytes,
            }
        ).encode()

    @classmethod
    def read(cls, text: bytes) -> Job:
        told = json.loads(text)
        return cls(**{**told, "key": bytes.fromhex(told["key"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the file is; `unsupported`: why it cannot be sent as this kind."""

    mime_type: str = ""
    width: int | None = None
    height: int | None = None
    milliseconds: int | None = None
    waveform: bytes | None = None
    thumbnail: bytes | None = field(default=None, repr=False)
    unsupported: str | None = None
    too_large: bool = False  # what it was converted to
    broke: str | None = None  # the class of an error nobody foresaw

    def encoded(self) -> bytes:
        told = {
            name: _text(getattr(self, name))
            for name in self.__dataclass_fields__
            if getattr(self, name) is not None
        }
        return json.dumps(told).encode()

    @classmethod
    def read(cls, text: bytes) -> Answer:
        """Raises ValueError for what no child of ours would say."""
        told = json.loads(text)
        if not isinstance(told, dict) or set(told) - set(cls.__dataclass_fields__):
            raise ValueError("not an answer")
        return cls(
            mime_type=_words(told.get("mime_type")) or "",
            width=_number(told.get("width"), _LARGEST_SIDE),
            height=_number(told.get("height"), _LARGEST_SIDE),
            milliseconds=_number(told.get("milliseconds"), _LONGEST),
            waveform=_waveform(told.get("waveform")),
            thumbnail=_thumbnail(told.get("thumbnail")),
            unsupported=_words(told.get("unsupported")),
            too_large=told.get("too_large") is True,
            broke=_words(told.get("broke")),
        )


def framed(kind: bytes, data: bytes) -> bytes:
    return HEADER.pack(kind, len(data)) + data


def _text(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _number(value: object, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError("not a number of this kind")
    return value


def _words(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("not a sentence")
    return value[:LONGEST_SENTENCE]


def _bytes(value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not bytes")  # noqa: TRY004 - the caller knows one error
    return base64.b64decode(value, validate=True)


def _waveform(value: object) -> bytes | None:
    steps = _bytes(value)
    if steps is not None and (len(steps) != WAVEFORM_STEPS or max(steps) > 100):  # noqa: PLR2004 - per cent
        raise ValueError("not a waveform")
    return steps


def _thumbnail(value: object) -> bytes | None:
    picture = _bytes(value)
    if picture is not None and (
        len(picture) > LARGEST_THUMBNAIL or not picture.startswith(b"\xff\xd8\xff")
    ):
        raise ValueError("not a thumbnail")
    return picture
