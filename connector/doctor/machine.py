"""The machine's part: its folder, its disk, what is sealed on it, and the Go library."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.sealed_folders import sealed_folders
from connector.doctor.findings import Finding, bad, good, warning
from connector.domain.capacity import room_for_numbers
from connector.errors import SpoolUnavailable
from connector.sealing import Sealer

MEGABYTE: Final = 1024 * 1024
NEEDED: Final = 64 * MEGABYTE  # below which numbers stop receiving
COMFORTABLE: Final = 256 * MEGABYTE
# Measured: docs/operations.md. A machine of 256 MB keeps some for its kernel.
LEAST_MEMORY: Final = 200 * MEGABYTE
FEW_FILES: Final = 256
LOAD_SECONDS: Final = 30.0


def folder(path: Path) -> Finding:
    """Whether it can be written to; beside a running connector, too."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"written by zapbase doctor")
            os.fsync(file.fileno())
    except OSError as error:
        cure = (
            "Enlarge the volume, or free some of it."
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "Mount a volume there, or set WA_DATA_DIR to a folder that this user owns."
        )
        return bad("data folder", f"It cannot be written to ({error.strerror}).", cure)
    return good("data folder", "It can be written to.")


def disk(path: Path) -> Finding:
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return bad("disk", f"It cannot be asked ({error.strerror}).", "See above.")
    sentence = f"{free // MEGABYTE:,} MB are free."
    if free < NEEDED:
        return bad(
            "disk", sentence, "Numbers receive from 64 MB on: enlarge the volume."
        )
    if free < COMFORTABLE:
        return warning(
            "disk", sentence, "Files wait until 256 MB are free: enlarge it."
        )
    return good("disk", sentence)


def memory(limit: int | None, asked: int | None) -> Finding:
    """Whether it carries the numbers it would take.

    `limit` in bytes, None when nobody says; `asked`: WA_MAX_SESSIONS, None for auto.
    """
    room = room_for_numbers(limit)
    if limit is None:
        told = f"The system does not say how much: {asked or room:,} numbers are taken."
        return good("memory", told)
    sentence = f"{limit // MEGABYTE:,} MB for all processes: room for {room:,} numbers."
    if limit < LEAST_MEMORY:
        return warning("memory", sentence, "Give it 256 MB, and 30 MB a number more.")
    if asked is not None and asked > room:
        return warning(
            "memory",
            f"{sentence} WA_MAX_SESSIONS allows {asked:,}.",
            "Set WA_MAX_SESSIONS to auto, or give it 30 MB a number more.",
        )
    return good("memory", sentence)


def open_files(allowed: int) -> Finding:
    """Whether a process may have as many open as a few numbers need."""
    sentence = f"A process may have {allowed:,} open."
    if allowed < FEW_FILES:
        return warning(
            "open files", sentence, f"Raise the hard limit (ulimit -Hn) to {FEW_FILES}."
        )
    return good("open files", sentence)


def state_key(path: Path, sealer: Sealer) -> Finding:
    """Whether what is sealed on this disk can be opened: the key's id is asked, no more."""
    try:
        sealed = [folder.keys() for folder in sealed_folders(path)]
    except (SpoolUnavailable, OSError) as error:
        return bad("state key", f"A spool cannot be read: {error}", "Look at the disk.")
    configured = set(sealer.key_ids)
    unknown = sum(not configured.issuperset(keys) for keys in sealed)
    if unknown:
        return bad(
            "state key",
            f"{unknown} session(s) here wait with what a key sealed that is not"
            " configured.",
            "Add the earlier key to WA_STATE_KEY, after a comma: nothing is lost.",
        )
    if any(set(keys) - {sealer.current_key} for keys in sealed):
        return good(
            "state key",
            "Everything sealed here opens, some of it with an earlier key only: keep"
            " that until `zapbase keys rotate` has run.",
        )
    return good("state key", "Everything sealed here opens with the first key.")


def neonize(python: Iterable[str] = (sys.executable,)) -> Finding:
    """In a process of its own: loading Go here would leave its threads with us."""
    command = [*python, "-c", "import neonize.client"]
    try:
        loaded = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, timeout=LOAD_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _not_loading(type(error).__name__)
    if loaded.returncode == 0:
        return good("neonize", "Its Go library loads.")
    return _not_loading(_last_line(loaded.stderr))


def _not_loading(why: str) -> Finding:
    return bad(
        "neonize",
        f"Its Go library does not load: {why}",
        "Install the pinned wheel again, and libmagic (Debian: libmagic1).",
    )


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it says nothing"
