"""Files: what their senders say of them, and what it takes to fetch them.

A file whose keys make no sense cannot be fetched: its message stays, and says so.
"""

from __future__ import annotations

from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.reading.content.said import (
    AUDIO,
    DOCUMENT,
    GIF,
    IMAGE,
    LARGEST_NUMBER,
    STICKER,
    VIDEO,
    VIDEO_NOTE,
    VOICE,
    Said,
    given,
    jpeg,
    line,
    number,
    with_text,
)
from connector.domain.media import shown_name
from connector.domain.messages import Attachment

_KEY_BYTES: Final = 32  # of a media key, and of a SHA-256
_LONGEST_PATH: Final = 1_024
_LONGEST_TYPE: Final = 128
_LARGEST_FILE: Final = 2**53  # bytes; beyond it no number is exact in JSON
_WAVEFORM_STEPS: Final = 64
_LOUDEST: Final = 100


def image(part: Any) -> Said:
    return _file(with_text(IMAGE, part.caption, {}), part, "image")


def video(part: Any) -> Said:
    kind = GIF if part.gifPlayback else VIDEO
    return _file(with_text(kind, part.caption, {}), part, "video")


def video_note(part: Any) -> Said:
    return _file(with_text(VIDEO_NOTE, part.caption, {}), part, "video")


def audio(part: Any) -> Said:
    return _file(Said(VOICE if part.PTT else AUDIO), part, "audio")


def document(part: Any) -> Said:
    content = given(
        title=line(part.title),
        pages=number(part.pageCount) if part.HasField("pageCount") else None,
    )
    return _file(with_text(DOCUMENT, part.caption, content), part, "document")


def sticker(part: Any) -> Said:
    animated = bool(part.isAnimated or part.isLottie)
    return _file(Said(STICKER, None, {"animated": animated}), part, "sticker")


def _file(said: Said, part: Any, media_type: str) -> Said:
    said.attachment = attachment(part, media_type)
    if said.attachment is None:
        said.content["media_missing"] = True
    return said


def attachment(part: Any, media_type: str) -> Attachment | None:
    """The file of an ImageMessage or its like; None when nobody could fetch it."""
    path = clean(part.directPath, _LONGEST_PATH + 1)
    keys = (part.mediaKey, part.fileSHA256, part.fileEncSHA256)
    if not path.startswith("/") or len(path) > _LONGEST_PATH:
        return None
    if any(len(key) != _KEY_BYTES for key in keys):
        return None
    return Attachment(
        media_type=media_type,
        direct_path=path,
        media_key=part.mediaKey,
        file_sha256=part.fileSHA256,
        file_enc_sha256=part.fileEncSHA256,
        size_bytes=part.fileLength if 0 < part.fileLength < _LARGEST_FILE else None,
        mime_type=clean(part.mimetype, _LONGEST_TYPE) or None,
        file_name=_file_name(getattr(part, "fileName", "")),
        width=_size(part, "width"),
        height=_size(part, "height"),
        duration_seconds=_size(part, "seconds"),
        waveform=_waveform(getattr(part, "waveform", b"")),
        thumbnail=jpeg(getattr(part, "JPEGThumbnail", b"")),
    )


def _size(part: Any, name: str) -> int | None:
    value: int = getattr(part, name, 0)
    return value if 0 < value <= LARGEST_NUMBER else None


def _file_name(told: str | bytes) -> str | None:
    return shown_name(clean(told, 4 * LONGEST_NAME))


def _waveform(steps: bytes) -> tuple[int, ...]:
    if len(steps) != _WAVEFORM_STEPS or max(steps) > _LOUDEST:
        return ()
    return tuple(steps)
