"""How a row's file gets to WhatsApp, once, whatever interrupts it.

    uploaded for this row before        -> used
    another row sent the same version   -> used
    otherwise                           -> fetched, uploaded, kept, sent

Killed between the upload and keeping it: it is uploaded again, which nobody sees. Killed
after it was kept: the next attempt uses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

import structlog

from connector.delivery.line import Line
from connector.domain.outgoing import (
    FileFacts,
    KnownMessage,
    MediaKind,
    OutgoingFile,
    StoredFile,
)
from connector.errors import FileUnavailable, SupabaseRefused, SupabaseUnavailable
from connector.payloads import DocumentPayload, ForwardPayload, MediaPayload, Payload
from connector.ports import (
    ClaimedRow,
    Files,
    FileSource,
    SessionContext,
    Uploads,
)

# What neonize makes of a file while it uploads it, and what the rest goes on with, in bytes.
COPIES: Final = 3
BESIDES: Final = 8 * 1024 * 1024
NO_MEMORY: Final = (
    "The connector's machine has too little memory for a file of this size: send a smaller "
    "one, or give the machine more."
)

T = TypeVar("T")

log = structlog.get_logger()


class Uploading:
    """One session's."""

    def __init__(
        self,
        context: SessionContext,
        files: Files,
        uploads: Uploads,
        one_at_a_time: asyncio.Semaphore,
        spare_memory: Callable[[], int | None],
    ) -> None:
        """`one_at_a_time` is the machine's: a whole file is in the worker's memory.

        So is `spare_memory`, in bytes; None when nobody knows.
        """
        self._context = context
        self._files = files
        self._uploads = uploads
        self._one_at_a_time = one_at_a_time
        self._spare_memory = spare_memory

    async def file(
        self, line: Line, row: ClaimedRow, payload: Payload
    ) -> OutgoingFile | None:
        """The row's file with WhatsApp; None when its kind has none, or its forward needs none.

        Raises InvalidPayload, FileUnavailable, UploadFailed, NotConnected, WorkerGone,
        LeaseLost.
        """
        wanted = _wanted(row, payload)
        if wanted is None:
            return None
        source, kind, claimed = wanted
        if row.file is not None:
            return row.file
        version = await self._files.version(source, kind)
        if version is not None and (known := await self._known(version)) is not None:
            file = replace(known, facts=_named(known.facts, claimed))
        else:
            file, version = await self._upload(line, source, kind, claimed)
        await self._keep(row, file, version)
        return file

    async def _known(self, version: str) -> OutgoingFile | None:
        context = self._context
        try:
            return await self._uploads.find(context.session_id, context.term, version)
        except (SupabaseUnavailable, SupabaseRefused) as error:
            self._warn("upload not looked up", error)
            return None

    async def _upload(
        self, line: Line, source: FileSource, kind: MediaKind, claimed: FileFacts
    ) -> tuple[OutgoingFile, str | None]:
        session_id = self._context.session_id
        async with self._files.ready(session_id, source, kind, claimed) as ready:
            async with self._one_at_a_time:
                self._demand_memory(ready.sealed.size)
                uploaded = await line.ask_apart(
                    lambda worker: worker.upload(ready.sealed)
                )
            return OutgoingFile(uploaded=uploaded, facts=ready.facts), ready.version

    def _demand_memory(self, size: int) -> None:
        """Rather than have the kernel end the number's process, and then again."""
        spare = self._spare_memory()
        if spare is not None and spare < COPIES * size + BESIDES:
            session_id = self._context.session_id
            log.warning("no memory for a file", session_id=session_id, bytes=spare)
            raise FileUnavailable(NO_MEMORY)

    async def _keep(
        self, row: ClaimedRow, file: OutgoingFile, version: str | None
    ) -> None:
        context = self._context
        try:
            await self._uploads.keep(
                context.session_id, context.term, row.id, file, version
            )
        except (SupabaseUnavailable, SupabaseRefused) as error:
            # Not a reason to send late: if this attempt fails it is uploaded again.
            self._warn("upload not kept", error)

    def _warn(self, event: str, error: Exception) -> None:
        log.warning(event, session_id=self._context.session_id, error=error)


def needs_file(row: ClaimedRow, payload: Payload) -> bool:
    """Whether something has to be fetched, perhaps for long, before the row can go."""
    return row.file is None and _wanted(row, payload) is not None


def _wanted(
    row: ClaimedRow, payload: Payload
) -> tuple[FileSource, MediaKind, FileFacts] | None:
    match payload:
        case MediaPayload():
            return payload.source, payload.kind, _claimed(payload)
        case ForwardPayload():
            return _forwarded(row.references.message)
        case _:
            return None


def _claimed(payload: MediaPayload) -> FileFacts:
    if isinstance(payload, DocumentPayload):
        return FileFacts(mime_type=payload.mime_type or "", file_name=payload.file_name)
    return FileFacts(mime_type="")


def _forwarded(
    message: KnownMessage | None,
) -> tuple[StoredFile, MediaKind, FileFacts] | None:
    """What WhatsApp still has of a message is passed on as it is."""
    if message is None or message.file is not None or message.stored is None:
        return None
    if message.revoked or message.kind not in {kind.value for kind in MediaKind}:
        return None
    name = message.content.get("file_name")
    claimed = FileFacts(mime_type="", file_name=name if isinstance(name, str) else None)
    return message.stored, MediaKind(message.kind), claimed


def _named(facts: FileFacts, claimed: FileFacts) -> FileFacts:
    """The same bytes may go out under another name."""
    return replace(
        facts,
        mime_type=claimed.mime_type or facts.mime_type,
        file_name=claimed.file_name or facts.file_name,
    )
