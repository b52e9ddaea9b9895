"""Test-only: a program whose clock is wrong by so many seconds.

Append this folder to PYTHONPATH and put the seconds, which may be negative, into
ZAPBASE_CLOCK_SHIFT. Python's wall clock is shifted, not its monotonic one and not Go's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).resolve().parent
SHIFT_VARIABLE: Final = "ZAPBASE_CLOCK_SHIFT"
