"""What the child may do: compute for a while, in bounded memory, and write to its pipe."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

# Address space, of which the libraries take 130 MB before anything is read. A picture of
# the largest size that is taken needs 400 MB of it while it is converted.
MEMORY: Final = 768 * 1024 * 1024
CPU_SECONDS: Final = 60
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS: Final = 38
_MOST_DESCRIPTORS: Final = 32


def confine() -> None:
    """Irreversible. Raises OSError, ValueError."""
    _be_the_first_to_go()
    _limit(resource.RLIMIT_AS, MEMORY)
    # First the signal that tells why; the kernel's end comes a second later.
    _limit(resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 1)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _MOST_DESCRIPTORS)
    _limit(resource.RLIMIT_NPROC, 0)  # it has one thread; the kernel exempts root


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Never above what somebody has set for us already."""
    _, allowed = resource.getrlimit(what)
    most = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        soft, most = min(soft, allowed), min(most, allowed)
    resource.setrlimit(what, (soft, most))


def _be_the_first_to_go() -> None:
    """Die with the parent, and be the one the kernel ends when memory runs out."""
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    os.nice(5)
