"""What all tests share."""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path

import structlog
from hypothesis import settings

from connector.logs import describe_error, keep_allowed
from connector.machine import Memory

# How long an example takes says more about the machine than about the code.
settings.register_profile("zapbase", deadline=None, max_examples=30)
settings.load_profile("zapbase")

# As in production; structlog's own way draws whole tracebacks, which takes for ever.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        describe_error,
        keep_allowed,
        structlog.processors.KeyValueRenderer(),
    ]
)


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
    """What is loaded now stays: looking through it again and again is a second."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
