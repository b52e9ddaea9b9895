"""How a number's device state is written in Postgres: compressed, then sealed.

Every page is bound to its session, its number and its generation, a manifest to its
session and its generation (domain/device_state.py says what it vouches for).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from connector.domain.device_state import Head, Manifest, NotAManifest
from connector.errors import SealBroken, StateUnreadable
from connector.ports import SealedPage, SessionId
from connector.sealing import Sealer

# Tables and indexes of a busy store shrink to a third; trying harder gains 3 % more.
_LEVEL: Final = 1
_DAMAGED: Final = (
    "A saved device state is damaged: what is stored is not what was saved."
)


@dataclass(frozen=True, slots=True)
class StateSeal:
    """Seals and opens the device state of one session."""

    session_id: SessionId
    sealer: Sealer

    @classmethod
    def of(cls, session_id: SessionId, keys: Sequence[bytes]) -> StateSeal:
        return cls(session_id, Sealer(keys, f"device state {session_id}"))

    def seal_page(self, page: int, generation: int, plain: bytes) -> SealedPage:
        packed = zlib.compress(plain, _LEVEL)
        sealed = self.sealer.seal(packed, self._page(page, generation))
        return SealedPage(page=page, generation=generation, sealed=sealed)

    def open_page(self, page: SealedPage, size: int) -> bytes:
        """Raises StateUnreadable."""
        context = self._page(page.page, page.generation)
        unpacking = zlib.decompressobj()
        try:
            plain = unpacking.decompress(self._open(page.sealed, context), size + 1)
        except zlib.error as error:
            raise StateUnreadable(_DAMAGED) from error
        if len(plain) != size or not unpacking.eof:
            raise StateUnreadable(_DAMAGED)
        return plain

    def seal_manifest(self, manifest: Manifest) -> bytes:
        return self.sealer.seal(manifest.encode(), self._state(manifest.generation))

    def open_manifest(self, head: Head) -> Manifest | None:
        """None for a state that was forgotten. Raises StateUnreadable."""
        if head.manifest is None:
            return None
        try:
            manifest = Manifest.decode(
                self._open(head.manifest, self._state(head.generation))
            )
        except NotAManifest as error:
            raise StateUnreadable(_DAMAGED) from error
        if manifest.generation != head.generation:
            raise StateUnreadable(_DAMAGED)
        return manifest

    def reseal_page(self, page: SealedPage) -> SealedPage:
        """The same page in the same place under the key that seals now.

        Raises StateUnreadable.
        """
        context = self._page(page.page, page.generation)
        return replace(page, sealed=self._resealed(page.sealed, context))

    def reseal_manifest(self, head: Head) -> bytes:
        """The same of a manifest, which is there. Raises StateUnreadable."""
        return self._resealed(head.manifest or b"", self._state(head.generation))

    def is_current(self, head: Head) -> bool:
        """Whether the key that seals now has sealed it, and not one that goes."""
        return head.manifest is not None and self.sealer.is_current(head.manifest)

    def has_current(self, page: SealedPage) -> bool:
        """The same of a page."""
        return self.sealer.is_current(page.sealed)

    def _resealed(self, sealed: bytes, context: bytes) -> bytes:
        return self.sealer.seal(self._open(sealed, context), context)

    def _open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return self.sealer.open(sealed, context)
        except SealBroken as error:
            raise StateUnreadable(str(error)) from error

    def _page(self, page: int, generation: int) -> bytes:
        return f"device page/{self.session_id}/{page}/{generation}".encode()

    def _state(self, generation: int) -> bytes:
        return f"device state/{self.session_id}/{generation}".encode()
