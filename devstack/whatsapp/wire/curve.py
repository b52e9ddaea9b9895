"""X25519 key pairs and the XEdDSA signatures that Signal makes with them."""

from __future__ import annotations

import os

import xeddsa
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)

KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
DJB_TYPE = b"\x05"  # libsignal's only key type; prefixes a public key of 33 bytes


class KeyPair:
    """32 private and 32 public bytes; the private ones are clamped at creation."""

    __slots__ = ("_exchange", "private", "public")

    def __init__(self, private: bytes | None = None) -> None:
        # XEdDSA needs the clamped scalar; X25519 would clamp by itself.
        self.private = _clamped(private or os.urandom(KEY_LENGTH))
        self._exchange = X25519PrivateKey.from_private_bytes(self.private)
        self.public = self._exchange.public_key().public_bytes_raw()

    def dh(self, public: bytes) -> bytes:
        """The 32 shared bytes with a public key of 32 bytes, or 33 with its type."""
        return self._exchange.exchange(
            X25519PublicKey.from_public_bytes(public[-KEY_LENGTH:])
        )

    def sign(self, message: bytes) -> bytes:
        """64 bytes: Ed25519 with this scalar, its Edwards sign bit forced to 0."""
        scalar = xeddsa.priv_force_sign(self.private, set_sign_bit=False)
        return xeddsa.ed25519_priv_sign(scalar, message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of `public` (32 bytes, or 33 with type) signed `message`."""
    if len(signature) != SIGNATURE_LENGTH:
        return False
    # libsignal carries the key's Edwards sign in the signature's last bit.
    sign_bit = bool(signature[-1] & 0x80)
    edwards = xeddsa.curve25519_pub_to_ed25519_pub(public[-KEY_LENGTH:], sign_bit)
    plain = signature[:-1] + bytes([signature[-1] & 0x7F])
    return xeddsa.ed25519_verify(plain, edwards, message)


def with_type(public: bytes) -> bytes:
    """The 33 bytes in which libsignal writes a public key."""
    return DJB_TYPE + public[-KEY_LENGTH:]


def _clamped(private: bytes) -> bytes:
    scalar = bytearray(private)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    return bytes(scalar)
