"""What C and Go libraries read from the environment at exec(), and never again.

Setting it in `os.environ` afterwards has no effect on them, so the process replaces
itself once, before it has done anything, when something is missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

ENVIRONMENT: Final[Mapping[str, str]] = {
    # Otherwise neonize marks every message to a phone number as a bot's.
    "NEONIZE_BOT_TAG": "off",
    # A number's heap is small and mostly keys; collecting sooner keeps it so.
    "GOGC": "50",
    # glibc would keep what each of our threads ever needed at once, and after one large
    # file up to 64 MB of it each (mallopt(3)): a connector never stopped growing.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}


def ensure(environ: Mapping[str, str]) -> None:
    """Start this very command again with what is missing; an operator's values stay."""
    if ENVIRONMENT.keys() <= environ.keys():
        return
    command = [sys.executable, *sys.orig_argv[1:]]
    os.execve(sys.executable, command, {**ENVIRONMENT, **environ})  # noqa: S606 - ourselves
