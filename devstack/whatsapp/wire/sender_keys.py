"""Group encryption: each member has a sender key per group and hands it to the others."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field

from devstack.whatsapp.wire.ciphers import (
    NO_SALT,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    hkdf,
    hmac_sha256,
)
from devstack.whatsapp.wire.curve import SIGNATURE_LENGTH, KeyPair, verify
from devstack.whatsapp.wire.errors import DecryptError, RepeatedCounter
from devstack.whatsapp.wire.whisper_text import SenderKeyDistribution, SenderKeyMessage

MOST_SKIPPED_KEYS = 2_000  # libsignal's own bound


@dataclass(slots=True)
class OwnSenderKey:
    """What we encrypt with in one group."""

    key_id: int = field(default_factory=lambda: secrets.randbelow(2**31 - 1) + 1)
    iteration: int = 0
    chain_key: bytes = field(default_factory=lambda: os.urandom(32))
    signing: KeyPair = field(default_factory=KeyPair)

    def distribution(self) -> bytes:
        return SenderKeyDistribution(
            self.key_id, self.iteration, self.chain_key, self.signing.public
        ).encode()

    def encrypt(self, plaintext: bytes) -> bytes:
        key, iv = _message_key(_seed(self.chain_key))
        body = SenderKeyMessage(
            self.key_id, self.iteration, aes_cbc_encrypt(key, iv, plaintext)
        ).encode()
        self.chain_key = _next(self.chain_key)
        self.iteration += 1
        return body + self.signing.sign(body)


@dataclass(slots=True)
class TheirSenderKey:
    """What a member encrypts with in one group, as far as we were told."""

    iteration: int
    chain_key: bytes
    signing_key: bytes
    skipped: dict[int, bytes] = field(default_factory=dict)

    def decrypt(self, message: bytes, parsed: SenderKeyMessage) -> bytes:
        body, signature = message[:-SIGNATURE_LENGTH], message[-SIGNATURE_LENGTH:]
        if not verify(self.signing_key, body, signature):
            raise DecryptError("a group message is not signed by its sender")
        key, iv = _message_key(self._seed_for(parsed.iteration))
        return aes_cbc_decrypt(key, iv, parsed.ciphertext)

    def _seed_for(self, iteration: int) -> bytes:
        if iteration in self.skipped:
            return self.skipped.pop(iteration)
        if iteration < self.iteration:
            raise RepeatedCounter("a group message arrived twice, or too late")
        if iteration - self.iteration > MOST_SKIPPED_KEYS:
            raise DecryptError("a group message is too far ahead")
        while self.iteration < iteration:
            skipped = self.iteration
            self.skipped[skipped] = self._step()
        for oldest in list(self.skipped)[:-MOST_SKIPPED_KEYS]:
            del self.skipped[oldest]
        return self._step()

    def _step(self) -> bytes:
        seed = _seed(self.chain_key)
        self.chain_key = _next(self.chain_key)
        self.iteration += 1
        return seed


def _seed(chain_key: bytes) -> bytes:
    return hmac_sha256(chain_key, b"\x01")


def _next(chain_key: bytes) -> bytes:
    return hmac_sha256(chain_key, b"\x02")


def _message_key(seed: bytes) -> tuple[bytes, bytes]:
    """Key and IV; in the derived bytes the IV comes first."""
    keys = hkdf(seed, NO_SALT, b"WhisperGroup", 48)
    return keys[16:], keys[:16]
