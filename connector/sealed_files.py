"""Files that wait on the disk under a key that only memory knows: noise once we are gone.

    file = AES-256-CTR(plain), the counter from zero on

A key is random and seals one file, so no counter is ever used twice. Nothing here vouches
for the bytes: whoever needs to know compares a hash of the plain file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

KEY_SIZE: Final = 32
PIECE: Final = 256 * 1024
_BLOCK: Final = 16


def new_key() -> bytes:
    return os.urandom(KEY_SIZE)


def sealing(key: bytes) -> CipherContext:
    """What one file's bytes pass through, in order, on their way to the disk."""
    return Cipher(AES(key), CTR(bytes(_BLOCK))).encryptor()


def opened(path: Path, key: bytes) -> Iterator[bytes]:
    """The plain bytes of a sealed file, piece by piece. Raises OSError."""
    opening = Cipher(AES(key), CTR(bytes(_BLOCK))).decryptor()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield opening.update(piece)
