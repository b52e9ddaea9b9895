"""One session's device state on its way to Postgres and back (docs/device-state.md).

Killed at any line: what Postgres has is a whole generation, and what this machine knows of
it is that generation or the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import structlog

from connector.domain.device_state import (
    Choice,
    Head,
    Known,
    Manifest,
    changed,
    choose,
    digest,
    mark,
    moved_on,
)
from connector.errors import StateUnreadable
from connector.ports import (
    Clock,
    DeviceStates,
    LocalState,
    SealedPage,
    StoreCopy,
    StoreDraft,
)
from connector.sealed_state import StateSeal

PAGES_A_CALL: Final = 256  # a megabyte in the clear, at most 1.4 as base64

Result = TypeVar("Result")

log = structlog.get_logger()


class Saving(enum.Enum):
    WHILE_RUNNING = enum.auto()
    AT_REST = enum.auto()  # nothing runs: what is saved is all there will be


class KeptState:
    """What is known of a session between two saves."""

    def __init__(
        self,
        states: DeviceStates,
        local: LocalState,
        seal: StateSeal,
        clock: Clock,
    ) -> None:
        self._id = seal.session_id
        self._states = states
        self.local = local
        self._seal = seal
        self._clock = clock
        self._turn = asyncio.Lock()  # who reads and writes what Postgres has
        self.copying_took = 0.0  # seconds, the last time
        self._known: Known | None = None  # None: not settled yet what this machine runs
        self._manifest: Manifest | None = None  # the newest, as Postgres has it
        # What was being saved when no answer came; it may be there, or not.
        self._attempt: tuple[Head, Manifest, Known] | None = None

    @property
    def is_settled(self) -> bool:
        return self._known is not None

    def unsettle(self) -> None:
        self._known = None

    # --- before anything runs --------------------------------------------------------

    async def bring(self, term: int) -> None:
        """Settle what this machine runs from: its own store, or the saved one.

        Raises StateUnreadable, LeaseLost, SupabaseUnavailable, SupabaseRefused, OSError,
        sqlite3.Error; nothing was changed then.
        """
        async with self._turn:
            self._known = None
            await self._bring(term)

    async def _bring(self, term: int) -> None:
        head = await self._forgotten(term)
        manifest = None if head is None else self._seal.open_manifest(head)
        lineage = await whole(self.local.paired_lineage)
        known = await whole(self.local.known)
        choice = choose(lineage, known, head, manifest)
        generation = 0 if head is None else head.generation
        if choice is Choice.SAVED and head is not None and manifest is not None:
            log.info("device state restored", session_id=self._id)
            known = await self._restore(term, manifest)
        elif choice is Choice.NOTHING:
            await whole(functools.partial(self.local.discard, generation))
            await whole(self.local.has_forgotten)
            known = None
        self._settle(head, manifest, known)
        await self._take(term)

    async def _forgotten(self, term: int) -> Head | None:
        """The head, once what had to be deleted is."""
        head = await self._states.head(self._id, term)
        forgotten = await whole(self.local.to_forget)
        if head is None or forgotten is None:
            return head
        # One more if a save was under way. Any more: it was linked again elsewhere.
        if head.manifest is not None and head.generation - forgotten in (0, 1):
            generation = await self._states.forget(self._id, term)
            head = Head(generation=generation, manifest=None)
        await whole(self.local.has_forgotten)
        return head

    def _settle(
        self, head: Head | None, manifest: Manifest | None, known: Known | None
    ) -> None:
        self._manifest, self._attempt = manifest, None
        marks = b""
        # A key that goes leaves with the next save, which then brings all pages anew.
        if known is not None and manifest is not None and head is not None:
            same = known.generation == head.generation
            if same and manifest.vouches_for(known.marks):
                marks = known.marks if self._seal.is_current(head) else b""
        self._known = Known(
            lineage="" if known is None else known.lineage,
            generation=0 if head is None else head.generation,
            marks=marks,
        )

    async def _take(self, term: int) -> None:
        """Say that this copy is in use, before a worker can change it.

        Whoever takes over from now on knows that it may have sent what is not saved.
        """
        manifest, known = self._manifest, self._known
        if manifest is None or known is None:
            return
        lineage = await whole(self.local.paired_lineage)
        if lineage is None or (manifest.lineage == lineage and not manifest.complete):
            return
        taken = Manifest(
            generation=known.generation + 1,
            lineage=lineage,
            page_size=manifest.page_size,
            page_count=manifest.page_count,
            digest=manifest.digest,
            complete=False,
        )
        moved = Known(lineage=lineage, generation=taken.generation, marks=known.marks)
        await self._save(term, taken, moved, iter(()))

    async def _restore(self, term: int, manifest: Manifest) -> Known:
        with self.local.draft() as draft:
            marks = await self._load(term, manifest, draft)
            if not manifest.vouches_for(marks):
                raise StateUnreadable(
                    "A saved device state is not whole: pages are missing or exchanged."
                )
            finish = functools.partial(draft.finish, complete=manifest.complete)
            lineage = await whole(finish)
        known = Known(lineage=lineage, generation=manifest.generation, marks=marks)
        # A restored store that lost its ratchets differs from what was saved, of course.
        await whole(functools.partial(self.local.note, known))
        return known

    async def _load(self, term: int, manifest: Manifest, draft: StoreDraft) -> bytes:
        marks = bytearray()
        for first in range(0, manifest.page_count, PAGES_A_CALL):
            limit = min(PAGES_A_CALL, manifest.page_count - first)
            pages = await self._states.pages(self._id, term, first, limit)
            marks += await whole(
                functools.partial(self._open, pages, manifest.page_size, draft)
            )
        return bytes(marks)

    def _open(self, pages: Sequence[SealedPage], size: int, draft: StoreDraft) -> bytes:
        marks = bytearray()
        for page in pages:
            plain = self._seal.open_page(page, size)
            draft.append(plain)
            marks += mark(page.generation, plain)
        return bytes(marks)

    # --- saving ----------------------------------------------------------------------

    async def save(self, term: int, saving: Saving) -> int:
        """Save what changed since the last time; how many pages that were.

        Raises as bring() does. Only once it is settled what this machine runs.
        """
        async with self._turn:
            await self._resolve(term)
            return await self._save_now(term, saving)

    async def _save_now(self, term: int, saving: Saving) -> int:
        if saving is Saving.WHILE_RUNNING:
            return await self._save_copy(term, complete=False)
        with self.local.at_rest() as nothing_runs:
            return await self._save_copy(term, complete=nothing_runs)

    async def _save_copy(self, term: int, *, complete: bool) -> int:
        lineage = await whole(self.local.paired_lineage)
        known = self._known
        if lineage is None or known is None:
            return 0
        began = self._clock.monotonic()
        with contextlib.ExitStack() as until_saved:
            taking = functools.partial(until_saved.enter_context, self.local.copy())
            copy = await whole(taking)
            self.copying_took = self._clock.monotonic() - began
            if copy is None:
                return 0
            return await self._save_changes(
                term, copy, known, lineage, complete=complete
            )

    async def _save_changes(
        self, term: int, copy: StoreCopy, known: Known, lineage: str, *, complete: bool
    ) -> int:
        last = self._manifest
        marks = known.marks if last and last.page_size == copy.page_size else b""
        pages = changed(marks, copy.hashes)
        moved = Known(
            lineage=lineage,
            generation=known.generation + 1,
            marks=moved_on(marks, copy.hashes, pages, known.generation + 1),
        )
        manifest = Manifest(
            generation=moved.generation,
            lineage=lineage,
            page_size=copy.page_size,
            page_count=len(copy.hashes),
            digest=digest(moved.marks),
            complete=complete,
        )
        if last and _says_the_same(last, manifest) and not pages:
            return 0
        await self._save(term, manifest, moved, self._sealed(copy, moved, pages))
        return len(pages)

    def _sealed(
        self, copy: StoreCopy, moved: Known, pages: Sequence[int]
    ) -> Iterator[list[SealedPage]]:
        for first in range(0, len(pages), PAGES_A_CALL):
            yield [
                self._seal.seal_page(page, moved.generation, copy.read(page))
                for page in pages[first : first + PAGES_A_CALL]
            ]

    async def _save(
        self,
        term: int,
        manifest: Manifest,
        moved: Known,
        parts: Iterator[list[SealedPage]],
    ) -> None:
        """The first parts are staged; the last one goes with the manifest."""
        generation, fresh = manifest.generation, True
        part = await whole(lambda: next(parts, []))
        while following := await whole(lambda: next(parts, None)):
            await self._states.stage(self._id, term, generation, part, fresh=fresh)
            part, fresh = following, False
        sealed = self._seal.seal_manifest(manifest)
        head = Head(generation=generation, manifest=sealed)
        self._attempt = (head, manifest, moved)
        await self._states.save(
            self._id, term, head, manifest.page_count, part, fresh=fresh
        )
        await self._adopt(manifest, moved)

    async def _adopt(self, manifest: Manifest, moved: Known) -> None:
        self._manifest, self._known, self._attempt = manifest, moved, None
        await whole(functools.partial(self.local.note, moved))

    async def _resolve(self, term: int) -> None:
        """Learn whether a save arrived to which no answer came."""
        if self._attempt is None or self._known is None:
            return
        attempted, manifest, moved = self._attempt
        head = await self._states.head(self._id, term)
        if head == attempted:
            await self._adopt(manifest, moved)
        elif head is not None and head.generation != self._known.generation:
            # Never seen: all pages once more, after whatever is there.
            self._known = Known(
                lineage=moved.lineage, generation=head.generation, marks=b""
            )
        self._attempt = None

    # --- the end of a link -----------------------------------------------------------

    async def discard(self) -> None:
        """Delete the store, whose keys WhatsApp has revoked; forget() follows."""
        generation = 0 if self._known is None else self._known.generation
        await whole(functools.partial(self.local.discard, generation))

    async def forget(self, term: int) -> None:
        """Delete what is saved of a store that was discarded."""
        async with self._turn:
            generation = await self._states.forget(self._id, term)
            await whole(self.local.has_forgotten)
            self._settle(Head(generation=generation, manifest=None), None, None)


def _says_the_same(last: Manifest, manifest: Manifest) -> bool:
    return (last.lineage, last.digest, last.complete) == (
        manifest.lineage,
        manifest.digest,
        manifest.complete,
    )


async def whole(work: Callable[[], Result]) -> Result:
    """Do something that blocks in a thread; whoever cancels waits until it is done."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise
