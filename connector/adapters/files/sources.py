"""Where files come from: Storage, the web, or the row itself; onto our disk, sealed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from connector.adapters.files.scratch import MEGABYTE, Scratch, too_large
from connector.adapters.files.web import Web
from connector.domain.outgoing import MediaKind, StoredFile
from connector.errors import FileUnavailable
from connector.ports import FileSource, InlineFile, StoredFacts, StoredFiles, UrlFile

STORAGE_WITHIN: Final = 120.0  # seconds, all in all
URL_WITHIN: Final = 60.0
_PIECE: Final = MEGABYTE // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What its source says of a file."""

    name: str = ""
    mime_type: str | None = None
    version: str | None = None


class Sources:
    def __init__(self, stored: StoredFiles, web: Web, most_bytes: int) -> None:
        self._stored = stored
        self._web = web
        self._most_bytes = most_bytes

    async def version(self, source: FileSource, kind: MediaKind) -> str | None:
        """See Files.version."""
        match source:
            case StoredFile():
                facts = await self._stat(source)
                return _version(kind, source.bucket, source.path, facts.etag)
            case InlineFile(data=data):
                return _version(kind, "inline", hashlib.sha256(data).hexdigest())
            case UrlFile():
                return None

    async def fetch(
        self, source: FileSource, kind: MediaKind, into: Scratch
    ) -> Fetched:
        """Raises InvalidPayload (media_not_found, media_too_large, url_*), FileUnavailable."""
        match source:
            case StoredFile():
                return await self._from_storage(source, kind, into)
            case UrlFile(url=url):
                return await self.from_web(url, into)
            case InlineFile(data=data):
                await into.fill(_in_pieces(data))
                return Fetched(version=await self.version(source, kind))

    async def _from_storage(
        self, source: StoredFile, kind: MediaKind, into: Scratch
    ) -> Fetched:
        facts = await self._stat(source)
        try:
            async with (
                asyncio.timeout(STORAGE_WITHIN),
                self._stored.open(source) as content,
            ):
                await into.fill(content.pieces())
                etag = content.etag
        except TimeoutError as error:
            raise FileUnavailable("Storage sends the file too slowly.") from error
        # Replaced in between, or a cache on the way has words of its own: nobody knows.
        known = facts.etag if etag in (None, facts.etag) else None
        return Fetched(
            name=source.path,
            mime_type=facts.mime_type,
            version=_version(kind, source.bucket, source.path, known),
        )

    async def from_web(
        self, url: str, into: Scratch, within: float | None = None
    ) -> Fetched:
        """Raises InvalidPayload (url_*, media_too_large), FileUnavailable."""
        try:
            async with (
                asyncio.timeout(within or URL_WITHIN),
                self._web.open(url) as content,
            ):
                if content.size > into.most_bytes:
                    raise too_large(into.most_bytes)
                await into.fill(content.pieces())
                return Fetched(name=content.file_name, mime_type=content.mime_type)
        except TimeoutError as error:
            raise FileUnavailable("The URL's server is too slow.") from error

    async def _stat(self, source: StoredFile) -> StoredFacts:
        facts = await self._stored.stat(source)
        if facts.size > self._most_bytes:
            raise too_large(self._most_bytes)
        return facts


def _version(kind: MediaKind, *parts: str | None) -> str | None:
    """As long as any other, whatever a path is; None when a part is not known."""
    if None in parts:
        return None
    named = "\0".join([kind.value, *(part or "" for part in parts)])
    return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()


async def _in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
