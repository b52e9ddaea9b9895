"""Files to be sent: where they come from, and what is done to them first."""

from __future__ import annotations

from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from connector.domain.outgoing import FileFacts, LinkPreview, MediaKind, OutgoingFile
from connector.domain.outgoing.references import StoredFile
from connector.ports.core import SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlFile:
    """A file behind an https address."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineFile:
    """A small file that came with the row."""

    data: bytes = field(repr=False)


FileSource: TypeAlias = StoredFile | UrlFile | InlineFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """A file on our disk under a key that only memory knows: useless after our death."""

    path: Path
    key: bytes = field(repr=False)
    media_type: str  # image, video, audio or document: WhatsApp's key scheme
    size: int  # bytes of the plain file


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyFile:
    """A file as it will be sent: fetched, checked, converted where its kind asks for it."""

    sealed: SealedFile
    facts: FileFacts
    sha256: bytes
    # Of the very bytes that were fetched: to be kept with the upload instead of what was
    # asked for before, since the file may have been replaced in between.
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFacts:
    """What Storage says of a file without sending it."""

    size: int  # bytes
    etag: str | None  # another one for other bytes
    mime_type: str | None


class StoredContent(Protocol):
    """A file on its way here from Storage."""

    etag: str | None

    def pieces(self) -> AsyncIterable[bytes]:
        """Its bytes as they come. Raises FileUnavailable."""


class StoredFiles(Protocol):
    """Storage, read. Raises InvalidPayload (media_not_found), FileUnavailable."""

    async def stat(self, file: StoredFile) -> StoredFacts: ...

    def open(self, file: StoredFile) -> AbstractAsyncContextManager[StoredContent]: ...


class Files(Protocol):
    """Fetches and prepares; nothing larger than the limit, nothing of private networks."""

    async def version(self, source: FileSource, kind: MediaKind) -> str | None:
        """A name for exactly these bytes sent as this kind, if it can be had cheaply.

        Raises InvalidPayload (media_not_found, media_too_large), FileUnavailable.
        """

    def ready(
        self,
        session_id: SessionId,
        source: FileSource,
        kind: MediaKind,
        claimed: FileFacts,
    ) -> AbstractAsyncContextManager[ReadyFile]:
        """The file, for as long as the block lasts; `claimed`: what the app says of it.

        Raises InvalidPayload (docs/errors.md: media_*, url_*), FileUnavailable.
        """

    async def preview(self, url: str) -> LinkPreview | None:
        """What a page says of itself; None when it says nothing or cannot be had."""


class Uploads(Protocol):
    """What is with WhatsApp already. Raises SupabaseUnavailable, SupabaseRefused, LeaseLost."""

    async def find(
        self, session_id: SessionId, term: int, version: str
    ) -> OutgoingFile | None:
        """An upload of the last day."""

    async def keep(
        self,
        session_id: SessionId,
        term: int,
        row_id: str,
        file: OutgoingFile,
        version: str | None,
    ) -> None:
        """Remember it for this row, and for others that send the same version.

        The row's attachment learns the facts.
        """
