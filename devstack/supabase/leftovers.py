"""A Postgres that a crashed predecessor left running in a data directory of ours."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 5.0


async def end_leftover(data: Path) -> None:
    """End it if it runs, and remove the lock file it or an earlier boot left.

    The lock file alone proves nothing: after a reboot its process id may be anybody's,
    and Postgres would refuse to start because of it.
    """
    lock = data / "postmaster.pid"
    if (pid := _process_of(lock)) is None:
        return
    if _serves(pid, data):
        for signal_number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, signal_number)
            if await _gone(pid, data):
                break
    lock.unlink(missing_ok=True)


def _process_of(lock: Path) -> int | None:
    try:
        return int(lock.read_bytes().partition(b"\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether `pid` is a Postgres whose command line names our data directory."""
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return os.fsencode(data) in command.read_bytes().split(b"\0")
        except OSError:
            return False
    listing = subprocess.run(  # noqa: S603 - the only variable is a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        check=False,
    )
    return os.fsencode(data) in listing.stdout


async def _gone(pid: int, data: Path) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while _serves(pid, data):  # noqa: ASYNC110 - not our child: no event
                await asyncio.sleep(POLL_SECONDS)
            return True
    return False
