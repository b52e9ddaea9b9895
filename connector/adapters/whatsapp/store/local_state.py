"""The session's store, as what is saved of it and restored to it.

`saved` beside the store says what this very copy knows to be saved, so that a restart saves
only what changed: a line of JSON, then the marks of all pages. It is written after Postgres
confirmed a save: killed in between, it knows one generation less.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from connector.adapters.whatsapp.process.orders import LOCK_NAME, STORE_NAME
from connector.adapters.whatsapp.store.device_store import (
    LINEAGE_NAME,
    WhatsAppStore,
    locked,
)
from connector.adapters.whatsapp.store.saved import SavedStore
from connector.adapters.whatsapp.store.snapshot import LastLook, Snapshot, snapshot
from connector.domain.device_state import MARK_SIZE, Known
from connector.whole_file import write_whole, write_whole_bytes

NOTE_NAME: Final = "saved"
DRAFT_NAME: Final = "restoring"
FORGET_NAME: Final = "forget"  # the generation that has to be deleted in Postgres


@dataclass(frozen=True, slots=True)
class LocalStore:
    """Implements ports.LocalState over a session's folder."""

    folder: Path
    _last: LastLook = field(default_factory=LastLook, repr=False, compare=False)

    def pulse(self) -> object:
        return SavedStore(self.folder).pulse()

    def paired_lineage(self) -> str | None:
        store = WhatsAppStore(self.folder)
        if not store.is_paired():
            return None
        # One that was put here by hand has none yet.
        return store.lineage()

    def known(self) -> Known | None:
        try:
            lineage = (self.folder / LINEAGE_NAME).read_text("ascii")
            head, _, marks = (self.folder / NOTE_NAME).read_bytes().partition(b"\n")
            said = json.loads(head)
            known = Known(
                lineage=said["lineage"], generation=said["generation"], marks=marks
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        whole = len(marks) % MARK_SIZE == 0 and isinstance(known.generation, int)
        return known if whole and known.lineage == lineage else None

    def note(self, known: Known) -> None:
        head = {"generation": known.generation, "lineage": known.lineage}
        write_whole_bytes(
            self.folder / NOTE_NAME, json.dumps(head).encode() + b"\n" + known.marks
        )

    @contextlib.contextmanager
    def copy(self) -> Iterator[Snapshot | None]:
        with snapshot(self.folder, self._last) as copy:
            yield copy

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[bool]:
        try:
            with locked(self.folder / LOCK_NAME):
                yield True
        except BlockingIOError:
            yield False

    @contextlib.contextmanager
    def draft(self) -> Iterator[_Draft]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / DRAFT_NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - for its mode
            try:
                yield _Draft(self.folder, path, file)
            finally:
                path.unlink(missing_ok=True)

    def discard(self, forgotten: int) -> None:
        WhatsAppStore(self.folder).discard()
        (self.folder / NOTE_NAME).unlink(missing_ok=True)
        write_whole(self.folder / FORGET_NAME, str(forgotten))

    def to_forget(self) -> int | None:
        try:
            return int((self.folder / FORGET_NAME).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def has_forgotten(self) -> None:
        (self.folder / FORGET_NAME).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Draft:
    folder: Path
    path: Path
    file: BinaryIO

    def append(self, page: bytes) -> None:
        self.file.write(page)

    def finish(self, *, complete: bool) -> str:
        """Killed at any line of it, there is no store, or one with another lineage than
        the saved state names: it is restored again."""
        self.file.flush()
        os.fsync(self.file.fileno())
        # Closing it later would drop the locks of SQLite, which has it open by then.
        self.file.close()
        store = WhatsAppStore(self.folder)
        store.discard()
        with locked(self.folder / LOCK_NAME):
            self.path.replace(self.folder / STORE_NAME)
            if complete:
                write_whole(self.folder / LINEAGE_NAME, secrets.token_hex(16))
            # Otherwise it has none yet, and loses its ratchets with this.
            return store.lineage()
