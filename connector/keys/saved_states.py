"""The saved device states of sessions that do not run get the key that seals now.

Their seals are exchanged in place: pages, generations and what vouches for them stay, so no
machine that has run the number before notices, and nothing has to be done at once. Killed
at any line, some pages have the new key and some the old, which any connector with both
opens; the manifest comes last, so what names one key alone is whole.

A session that runs is left alone: its connector seals all of it anew when it starts with
another key.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from connector.domain.device_state import PAGES_A_CALL, Head, Manifest
from connector.errors import LeaseLost, StateUnreadable
from connector.keys.borrowing import borrowed
from connector.ports import DeviceStates, SessionId
from connector.ports.keys import BorrowedLeases, DeviceStateKeys
from connector.sealed_state import StateSeal


class Exchange(enum.Enum):
    DONE = enum.auto()
    RUNS = enum.auto()
    UNREADABLE = enum.auto()  # another key's, or damaged
    GONE = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedStates:
    states: DeviceStates
    keys: DeviceStateKeys
    leases: BorrowedLeases
    seal: Callable[[SessionId], StateSeal]

    async def exchange(self, session_id: SessionId) -> Exchange:
        """Raises SupabaseUnavailable, SupabaseRefused."""
        async with borrowed(self.leases, session_id) as lease:
            if lease is None:
                return Exchange.GONE
            if lease.term is None:
                return Exchange.RUNS
            try:
                await self._exchange(session_id, lease.term)
            except LeaseLost:
                return Exchange.RUNS
            except StateUnreadable:
                return Exchange.UNREADABLE
            return Exchange.DONE

    async def _exchange(self, session_id: SessionId, term: int) -> None:
        seal = self.seal(session_id)
        head = await self.states.head(session_id, term)
        manifest = None if head is None else seal.open_manifest(head)
        if head is None or manifest is None:
            return
        await self._exchange_pages(seal, term, head, manifest)
        if not seal.is_current(head):
            resealed = seal.reseal_manifest(head)
            await self.keys.exchange(session_id, term, head.generation, [], resealed)

    async def _exchange_pages(
        self, seal: StateSeal, term: int, head: Head, manifest: Manifest
    ) -> None:
        for first in range(0, manifest.page_count, PAGES_A_CALL):
            pages = await self.states.pages(seal.session_id, term, first, PAGES_A_CALL)
            resealed = [
                seal.reseal_page(page) for page in pages if not seal.has_current(page)
            ]
            if resealed:
                await self.keys.exchange(
                    seal.session_id, term, head.generation, resealed, None
                )
