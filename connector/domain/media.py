"""A message's file: how fetching it can end, and as what and where it is kept.

    pending -> stored | failed | expired | too_large
    pending -> pending, to be tried again after a while

What the sender says about a file is never believed: neither its type nor its size nor
its name decides anything but what people read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.domain.retry import back_off
from connector.errors import (
    FetchFailed,
    MediaCorrupt,
    MediaExpired,
    MediaTooLarge,
    NoRoom,
)

MOST_DOWNLOADS: Final = 8  # attempts
# Storage is tried for about a day: it is our own, and so is what keeps it from working.
MOST_UPLOADS: Final = 300
ROOM_CHECK: Final = timedelta(minutes=1)
OCTETS: Final = "application/octet-stream"
LONGEST_NAME: Final = 256  # characters of a file's name

# What browsers show without running code in it; the extension of each.
_SHOWN: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "application/pdf": "pdf",
}
# Known by their extension, but only ever saved: they are kept as octets, like everything
# unknown. A drawing (SVG) or a page would run its scripts where it is opened.
_SAVED: Final = {
    "image/heic": "heic",
    "image/avif": "avif",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
    "audio/x-flac": "flac",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/x-7z-compressed": "7z",
    "application/x-rar-compressed": "rar",
    "application/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
}


class FileState(enum.StrEnum):
    """Stored verbatim in `wa_attachments.state`."""

    PENDING = "pending"
    STORED = "stored"
    FAILED = "failed"
    EXPIRED = "expired"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of one claimed file."""

    id: str  # of the attachment
    state: FileState
    storage_path: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None
    sha256: bytes | None = None
    error_code: str | None = None
    retry_after: timedelta | None = None  # with PENDING
    begun: bool = True  # otherwise it does not count as an attempt
    held: bool = False  # with PENDING: whoever claimed it goes on with it


def shown_name(told: str) -> str | None:
    """What a file is called: no folders, nothing that cannot be seen."""
    name = told.replace("\\", "/").rpartition("/")[2]
    visible = "".join(letter for letter in name if letter.isprintable())
    return visible[:LONGEST_NAME].strip() or None


def content_type(mime_type: str) -> str:
    """What Storage may tell browsers about a file in which this type was found."""
    return mime_type if mime_type in _SHOWN else OCTETS


def storage_path(
    *,
    workspace_id: str,
    session_id: str,
    sent_at: datetime,
    attachment_id: str,
    mime_type: str,
) -> str:
    extension = _SHOWN.get(mime_type) or _SAVED.get(mime_type, "bin")
    month = f"{sent_at.year:04}/{sent_at.month:02}"
    return f"{workspace_id}/{session_id}/{month}/{attachment_id}.{extension}"


def outcome_of_failed_fetch(
    attachment_id: str, attempts: int, error: FetchFailed, chance: float
) -> FileResult:
    """What an attempt to have a file from WhatsApp leads to."""
    match error:
        case MediaExpired():
            return _ended(attachment_id, FileState.EXPIRED, error.code)
        case MediaTooLarge():
            return _ended(attachment_id, FileState.TOO_LARGE, error.code)
        case MediaCorrupt(reason=reason):
            return _ended(attachment_id, FileState.FAILED, reason)
        case NoRoom():
            # Asking WhatsApp again and again makes none; attempts are not counted.
            return unbegun(attachment_id, ROOM_CHECK * (0.5 + chance / 2), error.code)
        case _ if attempts >= MOST_DOWNLOADS:
            return _ended(attachment_id, FileState.FAILED, error.code)
        case _:
            pass
    return _again(attachment_id, back_off(attempts, chance), error.code)


def outcome_of_failed_upload(
    attachment_id: str, attempts: int, chance: float
) -> FileResult:
    """What Storage's missing or refusing everything leads to; our disk keeps the file."""
    code = "upload_failed"
    if attempts >= MOST_UPLOADS:
        return _ended(attachment_id, FileState.FAILED, code)
    return _again(attachment_id, back_off(attempts, chance), code)


def still_uploading(attachment_id: str) -> FileResult:
    """Why its row waits, while we go on trying."""
    return FileResult(
        id=attachment_id,
        state=FileState.PENDING,
        error_code="upload_failed",
        held=True,
    )


def outcome_of_refused_upload(attachment_id: str) -> FileResult:
    """What Storage's refusing this very file leads to."""
    return _ended(attachment_id, FileState.FAILED, "upload_refused")


def unbegun(
    attachment_id: str, after: timedelta = timedelta(), code: str | None = None
) -> FileResult:
    """Give a file back that was not given a chance."""
    return FileResult(
        id=attachment_id,
        state=FileState.PENDING,
        error_code=code,
        retry_after=after,
        begun=False,
    )


def _again(attachment_id: str, after: timedelta, code: str) -> FileResult:
    return FileResult(
        id=attachment_id, state=FileState.PENDING, error_code=code, retry_after=after
    )


def _ended(attachment_id: str, state: FileState, code: str) -> FileResult:
    return FileResult(id=attachment_id, state=state, error_code=code)
