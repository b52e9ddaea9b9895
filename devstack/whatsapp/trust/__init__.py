"""Test-only: makes an unmodified neonize trust the emulator instead of WhatsApp.

Put this folder first on PYTHONPATH and the emulator's Noise root key, in hexadecimal,
into ZAPBASE_EMULATOR_ROOT_KEY; Python then imports `sitecustomize` by itself. It works on
the memory of that one process: the installed library stays as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).resolve().parent
ROOT_KEY_VARIABLE: Final = "ZAPBASE_EMULATOR_ROOT_KEY"
