"""The cryptography of linking a companion: by QR code and by eight letters.

QR: the code hands the phone the companion's keys and a secret. The phone signs an ADV
identity for the companion and authenticates it with the secret; the companion signs back.

Code: both sides send an ephemeral key encrypted under the code, agree on a secret, and
the companion sends a key bundle under it; what comes out replaces the QR's secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError as ProtobufError

from devstack.whatsapp.wire.ciphers import NO_SALT, aes_ctr, hkdf, hmac_sha256
from devstack.whatsapp.wire.curve import KEY_LENGTH, KeyPair, verify
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.protobufs import Adv

ACCOUNT_SIGNATURE = b"\x06\x00"
DEVICE_SIGNATURE = b"\x06\x01"
CODE_ITERATIONS = 131_072
SALT_LENGTH, IV_LENGTH, NONCE_LENGTH = 32, 16, 12
WRAPPED_LENGTH = SALT_LENGTH + IV_LENGTH + KEY_LENGTH
BUNDLE_INFO = b"link_code_pairing_key_bundle_encryption_key"


@dataclass(frozen=True, slots=True)
class ScannedQr:
    """What a phone reads: `https://wa.me/settings/linked_devices#<ref>,<keys...>`."""

    ref: str
    noise_public: bytes
    identity_public: bytes
    adv_secret: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises DecodeError."""
        ref, *parts = text.rpartition("#")[2].split(",")
        try:
            noise, identity, secret = (
                base64.b64decode(part, validate=True) for part in parts[:3]
            )
        except (ValueError, binascii.Error) as error:
            raise DecodeError("not a WhatsApp linking code") from error
        return cls(ref, noise, identity, secret)


class LinkedIdentity:
    """The ADV identity that a phone makes for one companion."""

    def __init__(
        self, phone: KeyPair, companion_identity: bytes, *, key_index: int, at: int
    ) -> None:
        """`at` in Unix seconds; `key_index` is the companion's device number."""
        self._account_key = phone.public
        self._companion = companion_identity
        self._details = Adv.ADVDeviceIdentity(
            rawID=secrets.randbelow(2**31), timestamp=at, keyIndex=key_index
        ).SerializeToString()
        self._signature = phone.sign(
            ACCOUNT_SIGNATURE + self._details + companion_identity
        )

    def authenticated(self, adv_secret: bytes) -> bytes:
        """The <device-identity> of pair-success: an ADVSignedDeviceIdentityHMAC."""
        signed = Adv.ADVSignedDeviceIdentity(
            details=self._details,
            accountSignatureKey=self._account_key,
            accountSignature=self._signature,
        ).SerializeToString()
        return Adv.ADVSignedDeviceIdentityHMAC(
            details=signed, HMAC=hmac_sha256(adv_secret, signed)
        ).SerializeToString()

    def is_signed_back(self, answer: bytes) -> bool:
        """Whether the companion's ADVSignedDeviceIdentity carries its signature."""
        try:
            signed = Adv.ADVSignedDeviceIdentity.FromString(answer)
        except ProtobufError:
            return False
        message = DEVICE_SIGNATURE + self._details + self._companion + self._account_key
        return signed.details == self._details and verify(
            self._companion, message, signed.deviceSignature
        )


def wrap_ephemeral(public: bytes, code: str) -> bytes:
    """80 bytes: salt, IV, and the key under AES-256-CTR with a key from the code."""
    salt, iv = os.urandom(SALT_LENGTH), os.urandom(IV_LENGTH)
    return salt + iv + aes_ctr(_code_key(code, salt), iv, public)


def unwrap_ephemeral(wrapped: bytes, code: str) -> bytes:
    """The other side's public key; a wrong code gives a wrong key, without an error."""
    if len(wrapped) != WRAPPED_LENGTH:
        raise DecodeError("a wrapped ephemeral key has 80 bytes")
    salt, rest = wrapped[:SALT_LENGTH], wrapped[SALT_LENGTH:]
    iv, encrypted = rest[:IV_LENGTH], rest[IV_LENGTH:]
    return aes_ctr(_code_key(code, salt), iv, encrypted)


def _code_key(code: str, salt: bytes) -> bytes:
    typed = code.replace("-", "").upper().encode()
    return hashlib.pbkdf2_hmac("sha256", typed, salt, CODE_ITERATIONS, 32)


class CodeSecrets(NamedTuple):
    companion_identity: bytes
    adv_secret: bytes


def open_key_bundle(
    bundle: bytes, phone: KeyPair, ephemeral: KeyPair, companion_ephemeral: bytes
) -> CodeSecrets:
    """What the companion sent after the code matched. Raises DecryptError if not."""
    shared = ephemeral.dh(companion_ephemeral)
    salt, rest = bundle[:SALT_LENGTH], bundle[SALT_LENGTH:]
    nonce, ciphertext = rest[:NONCE_LENGTH], rest[NONCE_LENGTH:]
    key = hkdf(shared, salt, BUNDLE_INFO, 32)
    try:
        keys = AESGCM(key).decrypt(nonce, ciphertext, None)
    except (InvalidTag, ValueError) as error:
        raise DecryptError("the key bundle does not open: a wrong code") from error
    companion, primary, random = keys[:32], keys[32:64], keys[64:]
    if primary != phone.public:
        raise DecryptError("the key bundle is for another phone")
    secret = shared + phone.dh(companion) + random
    return CodeSecrets(companion, hkdf(secret, NO_SALT, b"adv_secret", 32))
