"""Messages' files, from WhatsApp's media servers to our disk, and proven there.

    download -> <attachment id>.part -> <attachment id> -> examined -> opened in pieces

Never more than a piece of a file is in memory. A download that was cut off goes on where
it stopped, if the server can. What an earlier run left is examined like what has just
come; should it be wrong, it is our disk's word against nobody's, and it is fetched anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from connector.adapters.whatsapp.media import crypto as media_crypto
from connector.adapters.whatsapp.media.crypto import Examined, MediaKeys
from connector.adapters.whatsapp.media.folder import MediaFolder, size_of
from connector.adapters.whatsapp.media.servers import (
    Download,
    MediaServers,
    PartUnusable,
)
from connector.errors import FetchFailed, MediaCorrupt, MediaTooLarge, NoRoom
from connector.file_types import sniffed
from connector.ports import ClaimedFile, SessionId

DOWNLOAD_WITHIN: Final = 600.0  # seconds; the rest comes with the next attempt


class WhatsAppMedia:
    """Implements ports.MediaSource."""

    def __init__(
        self, folder: MediaFolder, servers: MediaServers, most_bytes: int
    ) -> None:
        self._folder = folder
        self._servers = servers
        self._most_bytes = most_bytes

    @asynccontextmanager
    async def fetched(
        self, session_id: SessionId, claimed: ClaimedFile
    ) -> AsyncIterator[FileOnDisk]:
        keys = MediaKeys.of(claimed.media_key, claimed.media_type)
        whole = self._folder.whole(session_id, claimed.id)
        with self._folder.using(whole):
            try:
                examined = await self._proven(session_id, claimed, keys)
            except OSError as error:
                raise NoRoom from error
            yield FileOnDisk(whole, keys, examined)

    async def has_room(self) -> bool:
        return await asyncio.to_thread(self._folder.make_room)

    async def forget(self, session_id: SessionId, attachment_id: str) -> None:
        await asyncio.to_thread(self._folder.forget, session_id, attachment_id)

    async def sweep(self) -> None:
        await asyncio.to_thread(self._folder.sweep)

    async def _proven(
        self, session_id: SessionId, claimed: ClaimedFile, keys: MediaKeys
    ) -> Examined:
        whole = self._folder.whole(session_id, claimed.id)
        while True:
            is_fresh = await self._have(session_id, claimed)
            try:
                return await self._examine(whole, keys, claimed)
            except MediaCorrupt:
                await self.forget(session_id, claimed.id)
                if is_fresh:
                    raise

    async def _have(self, session_id: SessionId, claimed: ClaimedFile) -> bool:
        """Get the file onto our disk; whether all of it has just come."""
        whole = self._folder.whole(session_id, claimed.id)
        if whole.exists():
            return False
        part = self._folder.part(session_id, claimed.id)
        try:
            async with asyncio.timeout(DOWNLOAD_WITHIN):
                is_fresh = await self._download(claimed, whole, part)
        except TimeoutError as error:
            raise FetchFailed from error
        except (PartUnusable, MediaTooLarge):
            part.unlink(missing_ok=True)
            raise
        part.replace(whole)
        return is_fresh

    async def _download(self, claimed: ClaimedFile, whole: Path, part: Path) -> bool:
        offset = size_of(part)
        async with self._servers.download(
            claimed.direct_path,
            claimed.media_type,
            claimed.file_enc_sha256,
            offset=offset,
        ) as download:
            begins_at = offset if download.continues else 0
            await self._demand_fitting(whole, begins_at + download.size)
            await self._write(download, part, begins_at)
            return begins_at == 0

    async def _demand_fitting(self, whole: Path, size: int) -> None:
        self._demand_size(size)
        if not await asyncio.to_thread(self._folder.expect, whole, size):
            raise NoRoom

    def _demand_size(self, size: int) -> None:
        if size > self._most_bytes + media_crypto.OVERHEAD:
            raise MediaTooLarge

    async def _write(self, download: Download, part: Path, size: int) -> None:
        with part.open("ab" if size else "wb") as file:
            async for piece in download.pieces(media_crypto.PIECE):
                size += len(piece)
                self._demand_size(size)
                await asyncio.to_thread(self._append, file, piece)

    def _append(self, file: BinaryIO, piece: bytes) -> None:
        """Whatever was announced: others fill the disk, too."""
        if not self._folder.allows(len(piece)):
            raise NoRoom
        file.write(piece)

    async def _examine(
        self, whole: Path, keys: MediaKeys, claimed: ClaimedFile
    ) -> Examined:
        return await asyncio.to_thread(
            media_crypto.examine,
            whole,
            keys,
            enc_sha256=claimed.file_enc_sha256,
            sha256=claimed.file_sha256,
        )


class FileOnDisk:
    """Implements ports.FetchedFile."""

    def __init__(self, path: Path, keys: MediaKeys, examined: Examined) -> None:
        self._path = path
        self._keys = keys
        self.size = examined.size
        self.sha256 = examined.sha256
        self.mime_type = sniffed(examined.head)

    async def content(self) -> AsyncIterator[bytes]:
        pieces = media_crypto.opened(self._path, self._keys)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                if piece:
                    yield piece
        except OSError as error:
            raise NoRoom from error
