"""Disk set aside for the day on which there is none left.

A file of real blocks beside the spool. When an append is refused, deleting the file
makes room for what WhatsApp was told is received and sits in memory: neonize's queue of
some hundred events and what its socket still holds, each seldom above a few kilobytes.
A worker that starts while there is room sets the blocks aside anew.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

FILE_NAME: Final = "spool.reserve"
SIZE: Final = 8 * 1024 * 1024  # bytes
_BLOCK: Final = 512  # what st_blocks counts in, whatever the file system's own is


class Reserve:
    """Never raises: a worker without a reserve is no worse than it was before."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def held(self) -> int:
        """How many bytes deleting it would free."""
        try:
            return self._path.stat().st_blocks * _BLOCK
        except OSError:
            return 0

    def stock(self) -> None:
        """Set the blocks aside, all or none; what is there already stays."""
        try:
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                os.posix_fallocate(descriptor, 0, SIZE)
            finally:
                os.close(descriptor)
        except OSError:
            self.spend()

    def spend(self) -> bool:
        """Give the blocks back to the disk; whether there were any."""
        held = self.held() > 0
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        return held
