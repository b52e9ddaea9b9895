"""Files: from WhatsApp's media servers to the bucket `wa-media` (docs/media.md)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from connector.domain.media import FileResult
from connector.ports.core import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFile:
    """One `wa_attachments` row that is ours to fetch."""

    id: str
    workspace_id: str
    sent_at: datetime  # of its message
    media_type: str  # image, video, audio, document or sticker: WhatsApp's key scheme
    direct_path: str = field(repr=False)
    media_key: bytes = field(repr=False)
    file_sha256: bytes = field(repr=False)
    file_enc_sha256: bytes = field(repr=False)
    attempts: int  # this one counted


class FileQueue(Protocol):
    """The rows. Raises SupabaseUnavailable, SupabaseRefused, LeaseLost."""

    async def claim(
        self, session_id: SessionId, term: int, limit: int, lease: timedelta
    ) -> Sequence[ClaimedFile]:
        """At most `limit` files that nobody else is fetching, newest first."""

    async def finish(
        self, session_id: SessionId, term: int, results: Sequence[FileResult]
    ) -> None:
        """Say what became of them; twice is once."""


class FetchedFile(Protocol):
    """A whole file that is what its message says, on our disk, still encrypted."""

    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> bytes: ...
    @property
    def mime_type(self) -> str:
        """As found in its first bytes."""

    def content(self) -> AsyncIterable[bytes]:
        """Decrypts piece by piece; may be asked for again."""


class MediaSource(Protocol):
    """WhatsApp's media servers, and the files of theirs that are on our disk."""

    def fetched(
        self, session_id: SessionId, claimed: ClaimedFile
    ) -> AbstractAsyncContextManager[FetchedFile]:
        """Download it, unless it is on our disk already, and check it.

        It may be read within the block, and stays on our disk after it until it is
        forgotten, or the room is needed. Raises FetchFailed.
        """

    async def has_room(self) -> bool:
        """False while nothing can be begun, for want of disk."""

    async def forget(self, session_id: SessionId, attachment_id: str) -> None:
        """Remove it from our disk."""

    async def sweep(self) -> None:
        """Remove what nobody asked for in a long time, of any session."""


class PictureSource(Protocol):
    """Profile pictures, which are not encrypted."""

    async def fetch(self, url: str) -> bytes:
        """A JPEG of at most 1 MB from one of WhatsApp's own hosts.

        Raises FetchFailed.
        """


class FileStore(Protocol):
    """The bucket. Raises SupabaseUnavailable, SupabaseRefused."""

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        """Store a file, replacing what is there. Raises MediaTooLarge besides."""

    async def remove(self, paths: Sequence[str]) -> None:
        """Remove what is there of these."""
