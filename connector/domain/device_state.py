"""A number's device state: which pages are to be saved, and what vouches for the whole.

A state is the pages of the worker's SQLite file. Each save is a generation and brings the
pages that changed since the last; a page keeps the generation that brought it.

    mark  = generation (8 bytes) | SHA-256 of the page (32)
    marks = the marks of all pages, in order; their SHA-256 is in the sealed manifest

So a page that was cut, swapped, left out, or put back from an earlier save shows.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HASH_SIZE: Final = hashlib.sha256().digest_size
_GENERATION_SIZE: Final = 8
MARK_SIZE: Final = _GENERATION_SIZE + HASH_SIZE
# SQLite's own bounds for a page, and what no store of ours will reach.
SMALLEST_PAGE: Final = 512
LARGEST_PAGE: Final = 65_536
MOST_PAGES: Final = 1_000_000
PAGES_A_CALL: Final = 256  # a megabyte in the clear, at most 1.4 as base64


class NotAManifest(ValueError):
    """It opened, but it says nothing that this version understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one save says of the whole state; only ever stored sealed."""

    generation: int
    lineage: str  # of the copy of the store that saved it
    page_size: int
    page_count: int
    digest: bytes  # of the marks
    # Saved when no worker ran any more: nothing can have been sent or received since.
    complete: bool

    def encode(self) -> bytes:
        return json.dumps(
            {
                "generation": self.generation,
                "lineage": self.lineage,
                "page_size": self.page_size,
                "page_count": self.page_count,
                "digest": self.digest.hex(),
                "complete": self.complete,
            }
        ).encode()

    @classmethod
    def decode(cls, text: bytes) -> Manifest:
        """Raises NotAManifest."""
        try:
            said = json.loads(text)
            manifest = cls(
                generation=int(said["generation"]),
                lineage=str(said["lineage"]),
                page_size=int(said["page_size"]),
                page_count=int(said["page_count"]),
                digest=bytes.fromhex(said["digest"]),
                complete=said["complete"] is True,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise NotAManifest from error
        sizes = SMALLEST_PAGE <= manifest.page_size <= LARGEST_PAGE
        if not (sizes and 0 < manifest.page_count <= MOST_PAGES):
            raise NotAManifest
        return manifest

    def vouches_for(self, marks: bytes) -> bool:
        whole = len(marks) == self.page_count * MARK_SIZE
        return whole and digest(marks) == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a copy of the store knows to be saved: it saved that, or came from it."""

    lineage: str
    generation: int
    marks: bytes  # empty: not known page by page, so that all of them are saved next


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest generation in Postgres; without a manifest it was forgotten."""

    generation: int
    manifest: bytes | None  # sealed


class Choice(enum.Enum):
    """What to run a session from."""

    LOCAL = enum.auto()  # what this machine has, be it nothing
    SAVED = enum.auto()
    NOTHING = enum.auto()  # neither: what this machine has was logged out elsewhere


def choose(
    local: str | None, known: Known | None, head: Head | None, manifest: Manifest | None
) -> Choice:
    """Choose the newer of this machine's store and the saved state.

    `local` is the lineage of a store that holds a device, else None; `known` what that
    very copy knows; `manifest` is the head's, opened.
    """
    if head is None:
        return Choice.LOCAL
    if manifest is None:
        logged_out = known is not None and known.generation < head.generation
        return Choice.NOTHING if local is not None and logged_out else Choice.LOCAL
    if local is None:
        return Choice.SAVED
    if manifest.lineage != local:
        # Newer than ours only knows how to be, unless Postgres itself went back in time.
        ahead = known is not None and known.generation >= head.generation
        return Choice.LOCAL if ahead else Choice.SAVED
    # Killed between a save and its note, we know one less. Knowing less than that means
    # that the folder itself went back in time.
    behind = known is not None and head.generation > known.generation + 1
    return Choice.SAVED if behind else Choice.LOCAL


def hash_of(page: bytes) -> bytes:
    return hashlib.sha256(page).digest()


def digest(marks: bytes) -> bytes:
    return hashlib.sha256(marks).digest()


def mark(generation: int, page: bytes) -> bytes:
    return generation.to_bytes(_GENERATION_SIZE) + hash_of(page)


def changed(marks: bytes, hashes: Sequence[bytes]) -> list[int]:
    """The pages, from 0 on, that are not saved as they are."""
    return [
        page
        for page, found in enumerate(hashes)
        if marks[page * MARK_SIZE + _GENERATION_SIZE : (page + 1) * MARK_SIZE] != found
    ]


def moved_on(
    marks: bytes, hashes: Sequence[bytes], pages: Sequence[int], generation: int
) -> bytes:
    """The marks once `pages` are saved as `generation`."""
    stamp = generation.to_bytes(_GENERATION_SIZE)
    moved = bytearray(marks[: len(hashes) * MARK_SIZE])
    moved.extend(bytes(len(hashes) * MARK_SIZE - len(moved)))
    for page in pages:
        moved[page * MARK_SIZE : (page + 1) * MARK_SIZE] = stamp + hashes[page]
    return bytes(moved)
