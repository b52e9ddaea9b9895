"""The folder that survives restarts: one connector at a time, known by one name."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from connector.errors import InvalidSetting
from connector.whole_file import write_whole

LOCK_NAME: Final = "lock"
HOLDER_NAME: Final = "holder"
KEYS_NAME: Final = "keys"  # ids, one a line
# struct flock: type, whence, start, length, process. Elsewhere, as on macOS, the first two
# come last.
_FLOCK: Final = "hhqqi0q"
_FLOCK_ELSEWHERE: Final = "qqihh"


class DataFolder:
    """Locked from open() until the process ends, however it ends."""

    def __init__(self, path: Path, lock: int, holder: str) -> None:
        self.path = path
        self.holder = holder  # our name in leases; a restart resumes them by it
        self._lock = lock

    @classmethod
    def open(cls, path: Path, environment: Mapping[str, str]) -> Self:
        """Create the folder if need be and lock it. Raises InvalidSetting."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise _unusable(error) from error
        try:
            # A POSIX lock: unlike flock's, it is not shared with forked children.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise InvalidSetting(
                "WA_DATA_DIR names a folder that another connector is using: stop that "
                "one, or give this one a folder of its own."
            ) from error
        try:
            return cls(path, lock, _holder(path / HOLDER_NAME, environment))
        except OSError as error:
            os.close(lock)
            raise _unusable(error) from error

    def note_keys(self, key_ids: Sequence[str]) -> None:
        """Say which keys we have: `zapbase keys rotate` must use no others beside us."""
        # A full disk has no room for it; what is there then says less than is so.
        with contextlib.suppress(OSError):
            write_whole(self.path / KEYS_NAME, "\n".join(key_ids))

    def close(self) -> None:
        os.close(self._lock)


def keys_in_use(path: Path) -> Sequence[str] | None:
    """The ids of the keys of the connector that runs here; None when none does.

    Raises OSError.
    """
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not _is_locked(descriptor):
            return None
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):
        return (path / KEYS_NAME).read_text("ascii").split()
    return ()


def _is_locked(descriptor: int) -> bool:
    """By another process; only asked: were it taken, a connector could not start then."""
    if sys.platform == "linux":
        wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        found = fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted)
        [kind, *_] = struct.unpack(_FLOCK, found)
    else:
        wanted = struct.pack(_FLOCK_ELSEWHERE, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
        found = fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted)
        [*_, kind, _whence] = struct.unpack(_FLOCK_ELSEWHERE, found)
    return bool(kind != fcntl.F_UNLCK)


def _unusable(error: OSError) -> InvalidSetting:
    return InvalidSetting(
        f"WA_DATA_DIR names a folder that cannot be used ({error.strerror}): set it to"
        " one that this user may write to, on a disk that has room."
    )


def _holder(file: Path, environment: Mapping[str, str]) -> str:
    if file.exists() and (known := file.read_text("utf-8").strip()):
        return known
    machine = environment.get("FLY_MACHINE_ID") or socket.gethostname()
    holder = f"{machine}-{secrets.token_hex(4)}"
    write_whole(file, holder)
    return holder
