"""A number's device state out of a project, and into a session of the same or another one.

The lease is borrowed for as long as it takes: nothing runs meanwhile. Killed at any line
of an export, there is no file, or a whole one; of an import, nothing is saved, or all.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from connector.domain.device_state import Head, Manifest, digest, mark
from connector.errors import LeaseLost
from connector.keys.borrowing import borrowed
from connector.keys.exported import (
    PAGES_A_PART,
    ExportReader,
    ExportWriter,
    Header,
)
from connector.ports import Clock, DeviceStates, SessionId
from connector.ports.keys import BorrowedLeases
from connector.sealed_state import StateSeal
from connector.sealing import Sealer

_LINEAGE_SIZE: Final = 16


class NotMoved(Exception):
    """A sentence that says why, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    pages: int
    page_size: int
    # Saved when no worker ran any more: nothing was missed.
    complete: bool


@dataclass(frozen=True, slots=True)
class Resting:
    """A session under a borrowed lease."""

    session_id: SessionId
    term: int
    desired_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    states: DeviceStates
    leases: BorrowedLeases
    seal: Callable[[SessionId], StateSeal]
    clock: Clock

    async def export(
        self, resting: Resting, file: BinaryIO, sealer: Sealer
    ) -> Exported:
        """Write a session's saved state into a file.

        Raises NotMoved, StateUnreadable, LeaseLost, SupabaseUnavailable,
        SupabaseRefused, OSError: then the file is good for nothing.
        """
        if resting.desired_state == "connected":
            raise NotMoved(
                "This session is to be connected: set its desired_state to"
                " 'disconnected' first. The same keys must never run twice."
            )
        seal = self.seal(resting.session_id)
        head = await self.states.head(resting.session_id, resting.term)
        manifest = None if head is None else seal.open_manifest(head)
        if manifest is None:
            raise NotMoved(
                "Nothing of this session is saved: no number is linked to it."
            )
        await self._write(seal, resting.term, manifest, file, sealer)
        return Exported(
            pages=manifest.page_count,
            page_size=manifest.page_size,
            complete=manifest.complete,
        )

    async def forget(self, resting: Resting) -> None:
        """Delete what was exported: whoever has the file alone has the number.

        Raises LeaseLost, SupabaseUnavailable, SupabaseRefused.
        """
        await self.states.forget(resting.session_id, resting.term)

    async def bring_in(
        self, path: Path, into: SessionId | None, sealer: Sealer, *, replace: bool
    ) -> SessionId:
        """Save what a file holds as a session's device state; whose it is now.

        Without `into` it is that of the session that it was exported from. Raises
        NotMoved, ExportUnusable, SupabaseUnavailable, SupabaseRefused, OSError.
        """
        header = checked(path, sealer)
        session_id = into or SessionId(header.session_id)
        async with self.resting(session_id) as resting:
            newest = await self._vacated(resting, replace=replace)
            await self._save(resting, newest + 1, path, sealer)
        return session_id

    async def _vacated(self, resting: Resting, *, replace: bool) -> int:
        """The newest generation of a session that has no number, or none any more."""
        head = await self.states.head(resting.session_id, resting.term)
        if head is None:
            return 0
        if head.manifest is None:
            return head.generation
        if not replace:
            raise NotMoved(
                "A number is linked to this session: choose one without, or add"
                " --replace to give up for good what is saved of it."
            )
        # A generation of its own: no folder's note to forget may mean the next one.
        return await self.states.forget(resting.session_id, resting.term)

    @contextlib.asynccontextmanager
    async def resting(self, session_id: SessionId) -> AsyncIterator[Resting]:
        """A session that nobody runs meanwhile.

        Raises NotMoved, SupabaseUnavailable, SupabaseRefused.
        """
        try:
            async with borrowed(self.leases, session_id) as lease:
                if lease is None:
                    raise NotMoved("There is no such session in this project.")
                if lease.term is None:
                    raise NotMoved(
                        "A connector runs this session: set its desired_state to"
                        " 'disconnected', and wait until its state says so."
                    )
                yield Resting(session_id, lease.term, lease.desired_state)
        except LeaseLost as error:
            raise NotMoved(
                "A connector has begun to run this session meanwhile: set its"
                " desired_state to 'disconnected', and try again."
            ) from error

    async def _write(
        self,
        seal: StateSeal,
        term: int,
        manifest: Manifest,
        file: BinaryIO,
        sealer: Sealer,
    ) -> None:
        header = Header(
            session_id=seal.session_id,
            exported_at=self.clock.now().isoformat(timespec="seconds"),
            page_size=manifest.page_size,
            page_count=manifest.page_count,
        )
        writer, marks = ExportWriter(file, sealer, header), bytearray()
        for first in range(0, manifest.page_count, PAGES_A_PART):
            limit = min(PAGES_A_PART, manifest.page_count - first)
            pages = await self.states.pages(seal.session_id, term, first, limit)
            plain = [seal.open_page(page, manifest.page_size) for page in pages]
            for page, content in zip(pages, plain, strict=True):
                marks += mark(page.generation, content)
            writer.add(plain)
        if not manifest.vouches_for(bytes(marks)):
            raise NotMoved(
                "What is saved of this session is not whole: pages are missing or"
                " exchanged. Restore your database, or link the number anew."
            )

    async def _save(
        self, resting: Resting, generation: int, path: Path, sealer: Sealer
    ) -> None:
        session_id, term = resting.session_id, resting.term
        seal, marks = self.seal(session_id), bytearray()
        with path.open("rb") as file:
            reader = ExportReader(file, sealer)
            for pages in reader.pages():
                first = len(marks) // len(mark(generation, b""))
                sealed = [
                    seal.seal_page(first + at, generation, page)
                    for at, page in enumerate(pages)
                ]
                await self.states.stage(
                    session_id, term, generation, sealed, fresh=first == 0
                )
                marks += b"".join(mark(generation, page) for page in pages)
        manifest = Manifest(
            generation=generation,
            # Of no folder: whoever runs it restores it, and begins new ratchets.
            lineage=secrets.token_hex(_LINEAGE_SIZE),
            page_size=reader.header.page_size,
            page_count=reader.header.page_count,
            digest=digest(bytes(marks)),
            complete=False,
        )
        head = Head(generation=generation, manifest=seal.seal_manifest(manifest))
        await self.states.save(
            session_id, term, head, manifest.page_count, [], fresh=False
        )


def checked(path: Path, sealer: Sealer) -> Header:
    """What a file says of itself, once all of it was opened.

    Raises ExportUnusable, OSError.
    """
    with path.open("rb") as file:
        reader = ExportReader(file, sealer)
        for _ in reader.pages():
            pass
        return reader.header
