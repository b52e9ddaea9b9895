"""Sealing: what is kept on a disk or in Supabase is opaque without WA_STATE_KEY.

    sealed = 0x01 | key id (4) | nonce (12) | AES-256-GCM ciphertext and tag (16)

The key id names the configured key that sealed a value, so keys rotate: the first key
seals, every configured key opens. The context (a session, a page, a row) is bound as
associated data: a value moved to another place does not open there. Nonces are random:
one key is good for 2**32 values before it should be rotated (NIST SP 800-38D, 8.3).

The configured keys are used through HKDF sub-keys only, one per purpose; what is sealed in
large numbers has one for each session, so that all sessions together never come near.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.errors import SealBroken

KEY_SIZE: Final = 32
VERSION: Final = b"\x01"
KEY_ID_SIZE: Final = 4
NONCE_SIZE: Final = 12
TAG_SIZE: Final = 16
HEADER_SIZE: Final = len(VERSION) + KEY_ID_SIZE + NONCE_SIZE
OVERHEAD: Final = HEADER_SIZE + TAG_SIZE  # bytes a sealed value is longer


class Sealer:
    """Seals with the first key, opens with any of them."""

    def __init__(self, keys: Sequence[bytes], purpose: str = "sealing") -> None:
        """Take 32-byte keys, the current one first; purposes cannot open one another."""
        if not keys or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError("a sealer needs keys of 32 bytes")
        self._current = key_id(keys[0])
        self._ciphers = {
            key_id(key): AESGCM(_sub_key(key, f"zapbase {purpose}".encode()))
            for key in keys
        }
        self._secret_keys = [_sub_key(key, b"zapbase outbox secret") for key in keys]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_SIZE)
        ciphertext = self._ciphers[self._current].encrypt(nonce, plain, context)
        return VERSION + self._current + nonce + ciphertext

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed in the same context.

        Raises SealBroken; its message says which of the three things is wrong.
        """
        if len(sealed) < OVERHEAD or not sealed.startswith(VERSION):
            raise SealBroken("This is not a whole sealed value: it was cut or damaged.")
        named = sealed[len(VERSION) : len(VERSION) + KEY_ID_SIZE]
        cipher = self._ciphers.get(named)
        if cipher is None:
            raise SealBroken(
                f"Sealed with key {named.hex()}, which WA_STATE_KEY does not contain:"
                " add it there, after a comma."
            )
        nonce = sealed[HEADER_SIZE - NONCE_SIZE : HEADER_SIZE]
        try:
            return cipher.decrypt(nonce, sealed[HEADER_SIZE:], context)
        except InvalidTag:
            raise SealBroken(
                "A sealed value was changed, or belongs to another place."
            ) from None

    def reseal(self, sealed: bytes, context: bytes) -> bytes:
        """The same under the key that seals now. Raises SealBroken."""
        return self.seal(self.open(sealed, context), context)

    @property
    def key_ids(self) -> list[str]:
        """The ids of all keys, in hexadecimal, the one that seals first."""
        return [each.hex() for each in self._ciphers]

    @property
    def current_key(self) -> str:
        """The id of the key that seals, in hexadecimal."""
        return self._current.hex()

    def has_key(self, named: str) -> bool:
        """Whether the key of this id is configured."""
        return named in self.key_ids

    def knows(self, sealed: bytes) -> bool:
        """Whether it names a configured key; if so and it does not open, it is damaged."""
        return sealed[len(VERSION) : len(VERSION) + KEY_ID_SIZE] in self._ciphers

    def is_current(self, sealed: bytes) -> bool:
        """Whether the key that seals now has sealed it."""
        return sealed[len(VERSION) : len(VERSION) + KEY_ID_SIZE] == self._current

    def secrets(self, claim: str) -> list[bytes]:
        """Return the 32-byte message secrets that a claim, `<row id>/<number>`, may have.

        One per configured key; the first is the one to send with.
        """
        return [
            hmac.digest(key, claim.encode(), hashlib.sha256)
            for key in self._secret_keys
        ]


def named_key(sealed: bytes) -> str:
    """The id of the key that a sealed value names, in hexadecimal."""
    return sealed[len(VERSION) : len(VERSION) + KEY_ID_SIZE].hex()


def key_id(key: bytes) -> bytes:
    """Name a key without telling anything about it."""
    return hashlib.sha256(key).digest()[:KEY_ID_SIZE]


def _sub_key(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose).derive(
        key
    )
