"""The way back: a store is written from what is saved, page by page.

Killed at any line: there is the store that was there before, or the whole restored one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.device_state import PAGES_A_CALL, Head, Known, Manifest, mark
from connector.errors import StateUnreadable
from connector.ports import DeviceStates, LocalState, SealedPage, StoreDraft
from connector.sealed_state import StateSeal
from connector.sessions.blocking import whole


@dataclass(frozen=True, slots=True)
class StateRestoring:
    states: DeviceStates
    local: LocalState
    seal: StateSeal

    async def forgotten(self, term: int) -> Head | None:
        """The head, once what had to be deleted is."""
        session_id = self.seal.session_id
        head = await self.states.head(session_id, term)
        forgotten = await whole(self.local.to_forget)
        if head is None or forgotten is None:
            return head
        # One more if a save was under way. Any more: it was linked again elsewhere.
        if head.manifest is not None and head.generation - forgotten in (0, 1):
            generation = await self.states.forget(session_id, term)
            head = Head(generation=generation, manifest=None)
        await whole(self.local.has_forgotten)
        return head

    async def restore(self, term: int, manifest: Manifest) -> Known:
        """Put the saved state in the place of what is here; what is known of it."""
        with self.local.draft() as draft:
            marks, is_current = await self._load(term, manifest, draft)
            if not manifest.vouches_for(marks):
                raise StateUnreadable(
                    "A saved device state is not whole: pages are missing or exchanged."
                )
            finish = functools.partial(draft.finish, complete=manifest.complete)
            lineage = await whole(finish)
        known = Known(
            lineage=lineage,
            generation=manifest.generation,
            marks=marks if is_current else b"",
        )
        # A restored store that lost its ratchets differs from what was saved, of course.
        await whole(functools.partial(self.local.note, known))
        return known

    async def _load(
        self, term: int, manifest: Manifest, draft: StoreDraft
    ) -> tuple[bytes, bool]:
        """The marks of all pages, and whether the key that seals now sealed them all."""
        marks, is_current = bytearray(), True
        for first in range(0, manifest.page_count, PAGES_A_CALL):
            limit = min(PAGES_A_CALL, manifest.page_count - first)
            pages = await self.states.pages(self.seal.session_id, term, first, limit)
            marks += await whole(
                functools.partial(self._open, pages, manifest.page_size, draft)
            )
            is_current &= all(map(self.seal.has_current, pages))
        return bytes(marks), is_current

    def _open(self, pages: Sequence[SealedPage], size: int, draft: StoreDraft) -> bytes:
        marks = bytearray()
        for page in pages:
            plain = self.seal.open_page(page, size)
            draft.append(plain)
            marks += mark(page.generation, plain)
        return bytes(marks)
