"""Small files that are either there with all of their content, or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Raises OSError; what was there before is there still."""
    write_whole_bytes(path, text.encode("utf-8"))


def write_whole_bytes(path: Path, content: bytes) -> None:
    """As above."""
    draft = path.with_suffix(".new")
    write_synced(draft, content)
    draft.replace(path)


def write_synced(path: Path, content: bytes) -> None:
    """Return when it is on the disk. Raises OSError: then any part of it may be there."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
