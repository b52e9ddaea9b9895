"""A sealed file that decoders read as if it were an open one: anywhere, piece by piece."""

from __future__ import annotations

import io
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from connector.adapters.files.convert.job import PIECE

_BLOCK: Final = 16


class SealedReader(io.RawIOBase):
    """AES-256-CTR opens at any block: the counter is the block's number."""

    def __init__(self, descriptor: int, key: bytes, size: int) -> None:
        self._descriptor = descriptor
        self._key = key
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        position = base[whence] + offset
        if position < 0:
            raise ValueError("before the beginning")
        self._position = position
        return position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), PIECE, max(0, self._size - self._position))
        plain = self._opened(wanted)
        buffer[: len(plain)] = plain
        self._position += len(plain)
        return len(plain)

    def _opened(self, size: int) -> bytes:
        if size <= 0:
            return b""
        block, within = divmod(self._position, _BLOCK)
        sealed = os.pread(self._descriptor, within + size, block * _BLOCK)
        counter = block.to_bytes(_BLOCK, "big")
        opening = Cipher(AES(self._key), CTR(counter)).decryptor()
        return opening.update(sealed)[within:]


def opened(descriptor: int, key: bytes, size: int) -> io.BufferedReader:
    """The plain file, from its beginning."""
    return io.BufferedReader(SealedReader(descriptor, key, size), PIECE)
