"""What all tests share."""

from __future__ import annotations

import gc
import importlib
import os
import tempfile
from pathlib import Path

from connector.machine import Memory

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it has names of its own
PLENTY = 8 * 1024**3


def _work_in_memory() -> None:
    """Hundreds of databases are made and dropped; on a disk that is half of the time.

    Where there is memory in plenty, and nobody has said where else.
    """
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return
    place = os.statvfs(MEMORY)
    room = min(place.f_bavail * place.f_frsize, Memory().available() or 0)
    if room > PLENTY and not place.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


_work_in_memory()


def pytest_collectstart() -> None:
    """What is loaded now stays: looking through it again and again is a second.

    The circumstances wait until now because whoever only hands out the tests
    (`-n 2`) collects none, and all others wait until it has begun.
    """
    gc.disable()
    importlib.import_module("tests.circumstances")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
