"""The bytes of objects on disk: one file per version of an object."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path


class Files:
    """`unfinished/<version>` while it is received, `<xx>/<version>` from then on."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "unfinished"

    def forget_unfinished(self) -> None:
        """Remove what a crash interrupted; call it before anything is received."""
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def new_version(self) -> str:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        return str(uuid.uuid4())

    def unfinished(self, version: str) -> Path:
        return self._unfinished / version

    def finish(self, version: str) -> None:
        """From here on the file is whole; it is seen once a row names it."""
        final = self.path(version)
        final.parent.mkdir(parents=True, exist_ok=True)
        self.unfinished(version).replace(final)

    def path(self, version: str) -> Path:
        # Parsed, so that a row somebody wrote by hand cannot name another file.
        name = str(uuid.UUID(version))
        return self._root / name[:2] / name

    def duplicate(self, version: str) -> str:
        """Another version with the same bytes, which take no more room."""
        copy = self.new_version()
        os.link(self.path(version), self.unfinished(copy))
        self.finish(copy)
        return copy

    def remove(self, version: str | None) -> None:
        if version is None:
            return
        with contextlib.suppress(ValueError):
            self.path(version).unlink(missing_ok=True)
            self.unfinished(version).unlink(missing_ok=True)
