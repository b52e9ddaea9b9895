"""Files to be sent, and what was uploaded of them, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connector.domain.outgoing import FileFacts, LinkPreview, MediaKind, OutgoingFile
from connector.errors import ConnectorError
from connector.ports import FileSource, ReadyFile, SealedFile, SessionId

PDF = FileFacts(mime_type="application/pdf", file_name="contrato.pdf")


@dataclass
class MemoryFiles:
    """Every file is the same one; it is ready once `gate` is open."""

    named: str | None = "wa-media/a.pdf/1/document"  # its version
    refusals: list[ConnectorError] = field(default_factory=list)
    fetched: list[FileSource] = field(default_factory=list)
    claimed: list[FileFacts] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)  # links
    on_disk: int = 0
    at_once: int = 0
    most_at_once: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def version(self, source: FileSource, kind: MediaKind) -> str | None:
        if self.refusals:
            raise self.refusals.pop(0)
        return self.named

    @asynccontextmanager
    async def ready(
        self,
        session_id: SessionId,
        source: FileSource,
        kind: MediaKind,
        claimed: FileFacts,
    ) -> AsyncIterator[ReadyFile]:
        self.fetched.append(source)
        self.claimed.append(claimed)
        self.on_disk += 1
        try:
            await self._wait()
            sealed = SealedFile(
                path=Path("sealed"), key=bytes(32), media_type=kind.media_type, size=7
            )
            yield ReadyFile(
                sealed=sealed, facts=PDF, sha256=bytes(32), version=self.named
            )
        finally:
            self.on_disk -= 1

    async def preview(self, url: str) -> LinkPreview | None:
        self.looked_at.append(url)
        await self._wait()
        return LinkPreview(url=url, title="A page")

    async def _wait(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1


@dataclass
class MemoryUploads:
    """What `wa_find_upload` and `wa_keep_upload` do."""

    by_version: dict[str, OutgoingFile] = field(default_factory=dict)
    by_row: dict[str, OutgoingFile] = field(default_factory=dict)
    failures: list[ConnectorError] = field(default_factory=list)

    async def find(
        self, session_id: SessionId, term: int, version: str
    ) -> OutgoingFile | None:
        if self.failures:
            raise self.failures.pop(0)
        return self.by_version.get(version)

    async def keep(
        self,
        session_id: SessionId,
        term: int,
        row_id: str,
        file: OutgoingFile,
        version: str | None,
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.by_row[row_id] = file
        if version is not None:
            self.by_version[version] = file
