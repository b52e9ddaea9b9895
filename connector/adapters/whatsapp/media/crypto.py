"""Opens WhatsApp's encrypted files, piece by piece, from the disk.

    file    = AES-256-CBC(plain, PKCS7) | HMAC-SHA256(iv | ciphertext)[:10]
    iv, cipher key, mac key = HKDF-SHA256(media key, info = the kind of file)

A file is examined once from end to end before any of it is handed on, because CBC
releases plain text before the HMAC at the end can vouch for it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from connector.errors import MediaCorrupt

WRONG_HASH: Final = "wrong_hash"
WRONG_KEY: Final = "wrong_key"
KEY_SIZE: Final = 32
BLOCK: Final = 16
MAC_SIZE: Final = 10
OVERHEAD: Final = BLOCK + MAC_SIZE  # bytes that encryption adds at most
PIECE: Final = 256 * 1024
HEAD_SIZE: Final = 8192  # what is kept of the beginning, to tell the type by

_INFO: Final = {
    "image": b"WhatsApp Image Keys",
    "sticker": b"WhatsApp Image Keys",
    "video": b"WhatsApp Video Keys",
    "audio": b"WhatsApp Audio Keys",
    "document": b"WhatsApp Document Keys",
    "history": b"WhatsApp History Keys",
}
_EXPANDED_SIZE: Final = 112


@dataclass(frozen=True, slots=True)
class MediaKeys:
    iv: bytes = field(repr=False)
    cipher: bytes = field(repr=False)
    mac: bytes = field(repr=False)

    @classmethod
    def of(cls, media_key: bytes, media_type: str) -> MediaKeys:
        """Raises MediaCorrupt for what can be nobody's key."""
        info = _INFO.get(media_type)
        if info is None or len(media_key) != KEY_SIZE:
            raise MediaCorrupt(WRONG_KEY)
        keys = HKDF(SHA256(), _EXPANDED_SIZE, salt=None, info=info).derive(media_key)
        return cls(iv=keys[:16], cipher=keys[16:48], mac=keys[48:80])


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out about the plain file."""

    size: int
    sha256: bytes
    head: bytes = field(repr=False)


def examine(
    path: Path, keys: MediaKeys, *, enc_sha256: bytes, sha256: bytes
) -> Examined:
    """Read a whole encrypted file. Raises MediaCorrupt unless everything fits.

    A file is damaged when its own hash is wrong, and the key is when the HMAC is.
    """
    whole, mac = hashlib.sha256(), hmac.new(keys.mac, keys.iv, hashlib.sha256)
    plain = hashlib.sha256()
    size, head = 0, b""
    opening = _Opening(keys)
    with path.open("rb") as file:
        for piece in _pieces(file, _ciphertext_size(path)):
            whole.update(piece)
            mac.update(piece)
            opened = opening.update(piece)
            plain.update(opened)
            size += len(opened)
            head += opened[: HEAD_SIZE - len(head)]
        tag = file.read(MAC_SIZE)
    whole.update(tag)
    if not hmac.compare_digest(whole.digest(), enc_sha256):
        raise MediaCorrupt(WRONG_HASH)
    if not hmac.compare_digest(mac.digest()[:MAC_SIZE], tag):
        raise MediaCorrupt(WRONG_KEY)
    last = opening.finalize()
    plain.update(last)
    if not hmac.compare_digest(plain.digest(), sha256):
        raise MediaCorrupt(WRONG_HASH)
    return Examined(size + len(last), plain.digest(), (head + last)[:HEAD_SIZE])


def opened(path: Path, keys: MediaKeys) -> Iterator[bytes]:
    """The plain bytes of a file that was examined. Raises MediaCorrupt."""
    opening = _Opening(keys)
    with path.open("rb") as file:
        for piece in _pieces(file, _ciphertext_size(path)):
            yield opening.update(piece)
    yield opening.finalize()


class _Opening:
    """Decrypts and takes the padding off, as the pieces come."""

    def __init__(self, keys: MediaKeys) -> None:
        cipher = Cipher(AES(keys.cipher), CBC(keys.iv))
        self._decryptor: CipherContext = cipher.decryptor()
        self._unpadder = PKCS7(BLOCK * 8).unpadder()

    def update(self, piece: bytes) -> bytes:
        return self._unpadder.update(self._decryptor.update(piece))

    def finalize(self) -> bytes:
        try:
            rest = self._unpadder.update(self._decryptor.finalize())
            return rest + self._unpadder.finalize()
        except ValueError as error:
            raise MediaCorrupt(WRONG_KEY) from error


def _ciphertext_size(path: Path) -> int:
    size = path.stat().st_size - MAC_SIZE
    if size <= 0 or size % BLOCK:
        raise MediaCorrupt(WRONG_HASH)
    return size


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:  # cut behind our back
            raise MediaCorrupt(WRONG_HASH)
        left -= len(piece)
        yield piece
