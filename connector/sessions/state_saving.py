"""The way there: the pages that changed are sealed and saved as the next generation.

Killed at any line: what Postgres has is a whole generation, and what this machine knows of
it is that generation or the one before.
"""

from __future__ import annotations

import contextlib
import enum
import functools
from collections.abc import Iterator, Sequence

from connector.domain.device_state import (
    PAGES_A_CALL,
    Head,
    Known,
    Manifest,
    changed,
    digest,
    moved_on,
)
from connector.ports import Clock, DeviceStates, LocalState, SealedPage, StoreCopy
from connector.sealed_state import StateSeal
from connector.sessions.blocking import whole


class Saving(enum.Enum):
    WHILE_RUNNING = enum.auto()
    AT_REST = enum.auto()  # nothing runs: what is saved is all there will be


class StateSaving:
    """What is known to be saved, and how more of it is."""

    def __init__(
        self, states: DeviceStates, local: LocalState, seal: StateSeal, clock: Clock
    ) -> None:
        self._id = seal.session_id
        self._states = states
        self._local = local
        self._seal = seal
        self._clock = clock
        self.copying_took = 0.0  # seconds, the last time
        self.known: Known | None = None  # None: not settled yet what this machine runs
        self.manifest: Manifest | None = None  # the newest, as Postgres has it
        # What was being saved when no answer came; it may be there, or not.
        self._attempt: tuple[Head, Manifest, Known] | None = None

    def settle(
        self, head: Head | None, manifest: Manifest | None, known: Known | None
    ) -> None:
        """Go on from what Postgres has, and what this machine knows of it."""
        self.manifest, self._attempt = manifest, None
        marks = b""
        # A key that goes leaves with the next save, which then brings all pages anew.
        if known is not None and manifest is not None and head is not None:
            same = known.generation == head.generation
            if same and manifest.vouches_for(known.marks):
                marks = known.marks if self._seal.is_current(head) else b""
        self.known = Known(
            lineage="" if known is None else known.lineage,
            generation=0 if head is None else head.generation,
            marks=marks,
        )

    async def take(self, term: int) -> None:
        """Say that this copy is in use, before a worker can change it.

        Whoever takes over from now on knows that it may have sent what is not saved.
        """
        manifest, known = self.manifest, self.known
        if manifest is None or known is None:
            return
        lineage = await whole(self._local.paired_lineage)
        if lineage is None or (manifest.lineage == lineage and not manifest.complete):
            return
        if not known.marks:
            # Sealed with a key that goes: a manifest of the new one alone would hide it.
            await self._save_copy(term, complete=False)
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

    async def save(self, term: int, saving: Saving) -> int:
        await self._resolve(term)
        if saving is Saving.WHILE_RUNNING:
            return await self._save_copy(term, complete=False)
        with self._local.at_rest() as nothing_runs:
            return await self._save_copy(term, complete=nothing_runs)

    async def _save_copy(self, term: int, *, complete: bool) -> int:
        lineage = await whole(self._local.paired_lineage)
        known = self.known
        if lineage is None or known is None:
            return 0
        began = self._clock.monotonic()
        with contextlib.ExitStack() as until_saved:
            taking = functools.partial(until_saved.enter_context, self._local.copy())
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
        last = self.manifest
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
        self.manifest, self.known, self._attempt = manifest, moved, None
        await whole(functools.partial(self._local.note, moved))

    async def _resolve(self, term: int) -> None:
        """Learn whether a save arrived to which no answer came."""
        if self._attempt is None or self.known is None:
            return
        attempted, manifest, moved = self._attempt
        head = await self._states.head(self._id, term)
        if head == attempted:
            await self._adopt(manifest, moved)
        elif head is not None and head.generation != self.known.generation:
            # Never seen: all pages once more, after whatever is there.
            self.known = Known(
                lineage=moved.lineage, generation=head.generation, marks=b""
            )
        self._attempt = None


def _says_the_same(last: Manifest, manifest: Manifest) -> bool:
    return (last.lineage, last.digest, last.complete) == (
        manifest.lineage,
        manifest.digest,
        manifest.complete,
    )
