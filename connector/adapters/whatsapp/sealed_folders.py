"""What is sealed in a data folder: spools, announced history, how sends ended.

    sessions/<id>/spool.db  history/*  unrecorded

What is on its way in `media/` and between the parts of a file to be sent is sealed with keys
that only memory knows, and gone with them.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.spool.awaited_history import FOLDER_NAME
from connector.adapters.whatsapp.spool.exchanging import (
    exchange_in_spool,
    keys_of_spool,
)
from connector.adapters.whatsapp.spool.overview import SESSIONS
from connector.adapters.whatsapp.spool.writer import FILE_NAME as SPOOL_NAME
from connector.adapters.whatsapp.store.unrecorded import FILE_NAME as UNRECORDED_NAME
from connector.errors import SealBroken
from connector.sealing import Sealer, named_key
from connector.whole_file import write_synced

_DRAFT: Final = ".resealed"


@dataclass(frozen=True, slots=True)
class SealedFolder:
    """One session's."""

    path: Path

    def keys(self) -> Counter[str]:
        """How many values each key has sealed, by its id.

        Raises SpoolUnavailable, OSError.
        """
        spool = self.path / SPOOL_NAME
        found = keys_of_spool(spool) if spool.exists() else Counter[str]()
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):  # it was fetched meanwhile
                found[named_key(file.read())] += 1
        return found

    def exchange(self, sealer: Sealer) -> int:
        """Seal anew what another key has sealed and ours open; how many values.

        Raises SpoolUnavailable, OSError; what was done by then is done.
        """
        spool, session_id = self.path / SPOOL_NAME, self.path.name
        for left in (self.path / FOLDER_NAME).glob(f"*{_DRAFT}"):
            left.unlink(missing_ok=True)  # by a command that was killed
        done = exchange_in_spool(spool, session_id, sealer) if spool.exists() else 0
        return done + sum(file.exchange(sealer) for file in self._files())

    def _files(self) -> Iterator[_SealedFile]:
        session_id = self.path.name
        for path in sorted((self.path / FOLDER_NAME).glob("*-*-*")):
            if not path.suffix:
                context = f"history/{session_id}".encode()
                yield _SealedFile(path, context, _decoded, base64.b64encode)
        unrecorded = self.path / UNRECORDED_NAME
        if unrecorded.exists():
            context = f"unrecorded/{session_id}".encode()
            yield _SealedFile(unrecorded, context, bytes, bytes)


def sealed_folders(data: Path) -> list[SealedFolder]:
    return [SealedFolder(path) for path in sorted((data / SESSIONS).glob("*/"))]


@dataclass(frozen=True, slots=True)
class _SealedFile:
    path: Path
    context: bytes
    decoded: Callable[[bytes], bytes]
    encoded: Callable[[bytes], bytes]

    def read(self) -> bytes:
        return self.decoded(self.path.read_bytes())

    def exchange(self, sealer: Sealer) -> bool:
        """Whether it was; what no key of ours opens stays as it is. Raises OSError."""
        draft = self.path.with_suffix(_DRAFT)
        try:
            content, dated = self.path.read_bytes(), self.path.stat()
            sealed = self.decoded(content)
            if sealer.is_current(sealed):
                return False
            write_synced(draft, self.encoded(sealer.reseal(sealed, self.context)))
            # Its date is when it was announced.
            os.utime(draft, ns=(dated.st_atime_ns, dated.st_mtime_ns))
            if self.path.read_bytes() != content:
                return False  # rewritten meanwhile, by whoever runs here
            # Removed in this very moment it is there again, which asks for it once more.
            draft.replace(self.path)
        except (FileNotFoundError, SealBroken):
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True


def _decoded(content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        return b""  # damaged: no key opens it
