"""Becomes another program that ends with its parent, as another user when told to.

    python launch.py [--user NAME] [--signal NUMBER] -- PROGRAM ARGUMENT...

Postgres refuses to run as root, and a test run that is killed must leave no server
behind. Both are settled here, in a fresh process before `exec`, because changing them
between fork and exec of a process with threads is not safe.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    options = _options()
    parent = os.getppid()
    if options.user:
        _become(options.user)
    # After the change of user, which clears it.
    _end_with_parent(options.signal)
    if os.getppid() != parent:
        sys.exit("The parent ended before this program began.")
    os.execv(options.program[0], options.program)  # noqa: S606 - no shell is wanted


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def _become(name: str) -> None:
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _end_with_parent(signal_number: int) -> None:
    """Linux only: elsewhere a killed parent leaves the program to its next start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


if __name__ == "__main__":
    main()
