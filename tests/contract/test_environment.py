"""What the C library keeps, under the environment that the connector runs in."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Final

import pytest

from connector.environment import ENVIRONMENT

THREADS: Final = 8
TAKEN_MB: Final = 4  # by each of them in turn, and let go
# One large block teaches glibc to keep what comes next. Blocks of 32 KiB are its own
# matter: Python keeps none of them for itself.
PROGRAM: Final = f"""
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

def private_mb():
    with open("/proc/self/smaps_rollup") as file:
        lines = [line.split() for line in file if line.startswith("Private_Dirty")]
    return int(lines[0][1]) / 1024

def take_and_let_go():
    blocks = [b"." * (32 << 10) for _ in range({TAKEN_MB} << 5)]

bytearray(30 << 20)
pool, meeting = ThreadPoolExecutor({THREADS}), Barrier({THREADS})
for _ in range({THREADS}):
    pool.submit(meeting.wait)  # all of them live from now on
pool.submit(int).result()
before = private_mb()
for _ in range(4 * {THREADS}):
    pool.submit(take_and_let_go).result()
print(private_mb() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_memory_that_threads_need_in_turn_is_kept_for_few_of_them() -> None:
    kept = _megabytes_kept(os.environ | ENVIRONMENT)

    assert kept < THREADS * TAKEN_MB / 2


def _megabytes_kept(environ: dict[str, str]) -> float:
    told = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", PROGRAM],
        env=environ,
        check=True,
        capture_output=True,
    )
    return float(told.stdout)
