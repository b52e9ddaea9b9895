"""Files to be sent, from wherever they are to what WhatsApp takes.

source -> sealed on our disk -> prepared by a child process -> sealed on our disk
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from connector.adapters.files import documents
from connector.adapters.files.connecting import Resolve
from connector.adapters.files.convert.job import Answer
from connector.adapters.files.preparing import Preparing, unsupported
from connector.adapters.files.previews import Previews
from connector.adapters.files.scratch import MEGABYTE, Scratch, ScratchFolder
from connector.adapters.files.sources import Fetched, Sources
from connector.adapters.files.urls import TrustedHosts
from connector.adapters.files.web import Web
from connector.domain.outgoing import FileFacts, LinkPreview, MediaKind
from connector.ports import (
    FileSource,
    ReadyFile,
    SealedFile,
    SessionId,
    StoredFiles,
)

FREE_FOR_OTHERS: Final = 256 * MEGABYTE  # several times what makes receiving stop


class OutgoingFiles:
    """Implements Files."""

    def __init__(
        self,
        stored: StoredFiles,
        scratch: ScratchFolder,
        *,
        most_bytes: int,
        trusted_hosts: frozenset[str] = frozenset(),
        resolve: Resolve | None = None,
        preparing: Preparing | None = None,
    ) -> None:
        """Take `resolve` from tests that give names other meanings.

        What an earlier process left in the folder is swept.
        """
        self._web = Web(TrustedHosts(trusted_hosts), resolve)
        self._sources = Sources(stored, self._web, most_bytes)
        self._scratch = scratch
        self._preparing = preparing or Preparing()
        self._previews = Previews(self._web, self._sources, scratch, self._preparing)
        self._most_bytes = most_bytes
        scratch.sweep()

    async def version(self, source: FileSource, kind: MediaKind) -> str | None:
        return await self._sources.version(source, kind)

    @asynccontextmanager
    async def ready(
        self,
        session_id: SessionId,
        source: FileSource,
        kind: MediaKind,
        claimed: FileFacts,
    ) -> AsyncIterator[ReadyFile]:
        with (
            self._scratch.file(session_id, self._most_bytes) as came,
            self._scratch.file(session_id, self._most_bytes) as made,
        ):
            fetched = await self._sources.fetch(source, kind, came)
            if not came.size:
                raise unsupported("The file is empty: send one that holds something.")
            facts = await self._facts(kind, came, made, claimed, fetched)
            made.finish()
            sent = made if made.size else came
            yield ReadyFile(
                sealed=_sealed(sent, kind),
                facts=facts,
                sha256=sent.sha256,
                version=fetched.version,
            )

    async def preview(self, url: str) -> LinkPreview | None:
        return await self._previews.of(url)

    async def aclose(self) -> None:
        self._web.close()

    async def _facts(
        self,
        kind: MediaKind,
        came: Scratch,
        made: Scratch,
        claimed: FileFacts,
        fetched: Fetched,
    ) -> FileFacts:
        if kind is not MediaKind.DOCUMENT:
            return _told(await self._preparing.prepare(kind.value, came, made))
        return documents.facts(
            came.head,
            claimed,
            source_name=fetched.name,
            source_type=fetched.mime_type,
        )


def _sealed(file: Scratch, kind: MediaKind) -> SealedFile:
    return SealedFile(
        path=file.path, key=file.key, media_type=kind.media_type, size=file.size
    )


def _told(answer: Answer) -> FileFacts:
    lasting = answer.milliseconds
    return FileFacts(
        mime_type=answer.mime_type,
        width=answer.width,
        height=answer.height,
        duration=None if lasting is None else timedelta(milliseconds=lasting),
        waveform=answer.waveform,
        thumbnail=answer.thumbnail,
    )
