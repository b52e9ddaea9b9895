"""Encrypted files: what lies on the media host, and the keys that travel in messages.

blob = AES-256-CBC(file) and the first 10 bytes of HMAC-SHA256(iv, ciphertext). Keys come
from the media key (32 random bytes) by HKDF with an info that names the kind.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from devstack.whatsapp.wire.ciphers import (
    NO_SALT,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    hkdf,
    hmac_sha256,
    same,
)
from devstack.whatsapp.wire.errors import DecryptError

MediaKind = Literal[
    "image", "video", "audio", "document", "sticker", "history", "app_state"
]

INFO: Final[dict[MediaKind, bytes]] = {
    "image": b"WhatsApp Image Keys",
    "sticker": b"WhatsApp Image Keys",
    "video": b"WhatsApp Video Keys",
    "audio": b"WhatsApp Audio Keys",
    "document": b"WhatsApp Document Keys",
    "history": b"WhatsApp History Keys",
    "app_state": b"WhatsApp App State Keys",
}
MAC_LENGTH = 10


@dataclass(frozen=True, slots=True)
class EncryptedMedia:
    """`file_sha256` and `file_length` are of the plain file, the other hash of `blob`."""

    blob: bytes
    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int


class _Keys(NamedTuple):
    iv: bytes
    cipher: bytes
    mac: bytes


def encrypt_media(
    data: bytes, kind: MediaKind, media_key: bytes | None = None
) -> EncryptedMedia:
    media_key = media_key or os.urandom(32)
    keys = _keys(media_key, kind)
    ciphertext = aes_cbc_encrypt(keys.cipher, keys.iv, data)
    blob = ciphertext + _mac(keys, ciphertext)
    return EncryptedMedia(
        blob=blob,
        media_key=media_key,
        file_sha256=hashlib.sha256(data).digest(),
        file_enc_sha256=hashlib.sha256(blob).digest(),
        file_length=len(data),
    )


def decrypt_media(blob: bytes, media_key: bytes, kind: MediaKind) -> bytes:
    """Raises DecryptError."""
    keys = _keys(media_key, kind)
    ciphertext, mac = blob[:-MAC_LENGTH], blob[-MAC_LENGTH:]
    if not same(mac, _mac(keys, ciphertext)):
        raise DecryptError("a media file does not authenticate")
    return aes_cbc_decrypt(keys.cipher, keys.iv, ciphertext)


def _keys(media_key: bytes, kind: MediaKind) -> _Keys:
    # The last 32 bytes would sign for a streaming side-car, which nothing here reads.
    keys = hkdf(media_key, NO_SALT, INFO[kind], 112)
    return _Keys(iv=keys[:16], cipher=keys[16:48], mac=keys[48:80])


def _mac(keys: _Keys, ciphertext: bytes) -> bytes:
    return hmac_sha256(keys.mac, keys.iv + ciphertext)[:MAC_LENGTH]
