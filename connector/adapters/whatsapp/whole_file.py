"""Small files that are either there with all of their content, or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Raises OSError; what was there before is there still."""
    write_whole_bytes(path, text.encode("ascii"))


def write_whole_bytes(path: Path, content: bytes) -> None:
    """As above."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
