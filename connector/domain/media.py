"""A message's file: how fetching it can end, what it is, and where it is kept.

    pending -> stored | failed | expired | too_large
    pending -> pending, to be tried again after a while

What the sender says about a file is never believed: neither its type nor its size nor
its name decides anything but what people read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta


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
