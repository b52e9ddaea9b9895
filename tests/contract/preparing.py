"""What tests of files to be sent start from: a folder, a store, and a look at the disk."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from connector import sealed_files
from connector.adapters.files.outgoing_files import OutgoingFiles
from connector.adapters.files.preparing import Preparing
from connector.adapters.files.scratch import ScratchFolder
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.stored_files import SupabaseStoredFiles
from connector.domain.outgoing import FileFacts, MediaKind
from connector.ports import FileSource, InlineFile, ReadyFile, SessionId

SESSION = SessionId("11111111-2222-3333-4444-555555555555")
UNKNOWN = FileFacts(mime_type="")
MEGABYTE = 1024 * 1024
LIMIT = 8 * MEGABYTE
# Nothing listens there: for tests that never ask.
NOWHERE = ("http://127.0.0.1:9", "sb_secret_x")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file as it would leave, opened again."""

    facts: FileFacts
    data: bytes
    version: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    files: OutgoingFiles
    data: Path

    async def sent(
        self,
        source: FileSource | bytes,
        kind: MediaKind,
        claimed: FileFacts = UNKNOWN,
    ) -> Sent:
        if isinstance(source, bytes):
            source = InlineFile(data=source)
        async with self.files.ready(SESSION, source, kind, claimed) as ready:
            data = read(ready)
            return Sent(facts=ready.facts, data=data, version=ready.version)

    def on_disk(self) -> list[Path]:
        return [path for path in self.data.rglob("*") if path.is_file()]


def read(ready: ReadyFile) -> bytes:
    sealed = ready.sealed
    data = b"".join(sealed_files.opened(sealed.path, sealed.key))
    assert len(data) == sealed.size
    assert sealed.path.stat().st_mode & 0o777 == 0o600
    return data


@asynccontextmanager
async def desk(
    data: Path,
    supabase: tuple[str, str] = NOWHERE,
    *,
    trusted: Sequence[str] = (),
    resolves: dict[str, list[str]] | None = None,
    within: float = 30.0,
) -> AsyncIterator[Desk]:
    """Names mean what `resolves` says, and nothing else."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        del port
        try:
            return (resolves or {})[host]
        except KeyError:
            raise socket.gaierror(socket.EAI_NONAME, "unknown") from None

    client = SupabaseClient(*supabase)
    files = OutgoingFiles(
        SupabaseStoredFiles(client),
        ScratchFolder(data, free_bytes=0),
        most_bytes=LIMIT,
        trusted_hosts=frozenset(trusted),
        resolve=resolve,
        preparing=Preparing(within),
    )
    try:
        yield Desk(files, data)
    finally:
        await files.aclose()
        await client.aclose()
