"""One Signal session: X3DH to begin, then the double ratchet (libsignal version 3).

Nothing changes in a session until a message has authenticated, so a forged or damaged
one cannot break it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from devstack.whatsapp.wire.ciphers import (
    NO_SALT,
    aes_cbc_decrypt,
    aes_cbc_encrypt,
    hkdf,
    hmac_sha256,
    same,
)
from devstack.whatsapp.wire.curve import KeyPair, with_type
from devstack.whatsapp.wire.errors import DecryptError, RepeatedCounter
from devstack.whatsapp.wire.prekeys import Bundle
from devstack.whatsapp.wire.whisper_text import (
    MAC_LENGTH,
    PreKeySignalMessage,
    SignalMessage,
)

# libsignal's own bounds.
MOST_SKIPPED_KEYS = 2_000
MOST_RECEIVING_CHAINS = 5
DISCONTINUITY = b"\xff" * 32


class MessageKeys(NamedTuple):
    cipher: bytes
    mac: bytes
    iv: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """A symmetric ratchet; each message has its own keys, each step a new chain."""

    key: bytes
    counter: int = 0

    def message_keys(self) -> MessageKeys:
        seed = hmac_sha256(self.key, b"\x01")
        keys = hkdf(seed, NO_SALT, b"WhisperMessageKeys", 80)
        return MessageKeys(keys[:32], keys[32:64], keys[64:])

    def next(self) -> Chain:
        return Chain(hmac_sha256(self.key, b"\x02"), self.counter + 1)


class Unanswered(NamedTuple):
    """What every message repeats until the peer has answered."""

    one_time_id: int | None
    signed_prekey_id: int


@dataclass(slots=True)
class Session:
    """Both directions with one device. Identity keys do not change in a session."""

    identity: KeyPair
    their_identity: bytes
    base_key: bytes
    root_key: bytes
    ratchet: KeyPair
    sending: Chain
    previous_counter: int = 0
    unanswered: Unanswered | None = None
    receiving: dict[bytes, Chain] = field(default_factory=dict)
    skipped: dict[tuple[bytes, int], MessageKeys] = field(default_factory=dict)

    @classmethod
    def initiate(cls, identity: KeyPair, bundle: Bundle) -> Self:
        base, signed = KeyPair(), bundle.signed.public
        secret = identity.dh(signed) + base.dh(bundle.identity) + base.dh(signed)
        if bundle.one_time:
            secret += base.dh(bundle.one_time.public)
        root_key, receiving_key = _first_keys(secret)
        ratchet = KeyPair()
        root_key, sending_key = _root_step(root_key, ratchet.dh(signed))
        return cls(
            identity=identity,
            their_identity=bundle.identity,
            base_key=base.public,
            root_key=root_key,
            ratchet=ratchet,
            sending=Chain(sending_key),
            unanswered=Unanswered(
                bundle.one_time.id if bundle.one_time else None, bundle.signed.id
            ),
            receiving={signed: Chain(receiving_key)},
        )

    @classmethod
    def accept(
        cls,
        identity: KeyPair,
        first: PreKeySignalMessage,
        signed: KeyPair,
        one_time: KeyPair | None,
    ) -> Self:
        secret = signed.dh(first.identity) + identity.dh(first.base_key)
        secret += signed.dh(first.base_key)
        if one_time:
            secret += one_time.dh(first.base_key)
        root_key, sending_key = _first_keys(secret)
        return cls(
            identity=identity,
            their_identity=first.identity,
            base_key=first.base_key,
            root_key=root_key,
            ratchet=signed,
            sending=Chain(sending_key),
        )

    def encrypt(self, plaintext: bytes) -> bytes:
        """A serialized SignalMessage with its MAC."""
        keys = self.sending.message_keys()
        body = SignalMessage(
            self.ratchet.public,
            self.sending.counter,
            self.previous_counter,
            aes_cbc_encrypt(keys.cipher, keys.iv, plaintext),
        ).encode()
        self.sending = self.sending.next()
        return body + _mac(keys, self.identity.public, self.their_identity, body)

    def decrypt(self, message: bytes) -> bytes:
        """Raises DecodeError, DecryptError; then the session is as it was before."""
        parsed = SignalMessage.decode(message)
        advanced = copy.copy(self)
        advanced.receiving = dict(self.receiving)
        advanced.skipped = dict(self.skipped)
        plaintext = advanced.advance(parsed, message)
        self._become(advanced)
        return plaintext

    def advance(self, parsed: SignalMessage, message: bytes) -> bytes:
        """Decrypt in place: the session is half changed when this raises."""
        keys = self.skipped.pop((parsed.ratchet_key, parsed.counter), None)
        keys = keys or self._keys_ahead(parsed)
        body, mac = message[:-MAC_LENGTH], message[-MAC_LENGTH:]
        if not same(mac, _mac(keys, self.their_identity, self.identity.public, body)):
            raise DecryptError("a message does not authenticate")
        self.unanswered = None
        return aes_cbc_decrypt(keys.cipher, keys.iv, parsed.ciphertext)

    def _keys_ahead(self, parsed: SignalMessage) -> MessageKeys:
        ratchet_key = parsed.ratchet_key
        if ratchet_key not in self.receiving:
            self._turn(ratchet_key)
        chain = self.receiving[ratchet_key]
        if parsed.counter < chain.counter:
            raise RepeatedCounter("a message arrived twice, or too late")
        if parsed.counter - chain.counter > MOST_SKIPPED_KEYS:
            raise DecryptError("a message is too far ahead")
        while chain.counter < parsed.counter:
            self.skipped[ratchet_key, chain.counter] = chain.message_keys()
            chain = chain.next()
        self.receiving[ratchet_key] = chain.next()
        _keep_newest(self.skipped, MOST_SKIPPED_KEYS)
        return chain.message_keys()

    def _turn(self, their_ratchet: bytes) -> None:
        """Step the root twice: for what they will send, then for what we shall."""
        root_key, receiving_key = _root_step(
            self.root_key, self.ratchet.dh(their_ratchet)
        )
        self.ratchet = KeyPair()
        self.root_key, sending_key = _root_step(
            root_key, self.ratchet.dh(their_ratchet)
        )
        self.previous_counter = max(self.sending.counter - 1, 0)
        self.sending = Chain(sending_key)
        self.receiving[their_ratchet] = Chain(receiving_key)
        _keep_newest(self.receiving, MOST_RECEIVING_CHAINS)

    def _become(self, advanced: Self) -> None:
        self.root_key, self.ratchet = advanced.root_key, advanced.ratchet
        self.sending = advanced.sending
        self.previous_counter = advanced.previous_counter
        self.unanswered = advanced.unanswered
        self.receiving, self.skipped = advanced.receiving, advanced.skipped


def _first_keys(secret: bytes) -> tuple[bytes, bytes]:
    keys = hkdf(DISCONTINUITY + secret, NO_SALT, b"WhisperText")
    return keys[:32], keys[32:]


def _root_step(root_key: bytes, shared: bytes) -> tuple[bytes, bytes]:
    keys = hkdf(shared, root_key, b"WhisperRatchet")
    return keys[:32], keys[32:]


def _mac(keys: MessageKeys, sender: bytes, receiver: bytes, body: bytes) -> bytes:
    signed = with_type(sender) + with_type(receiver) + body
    return hmac_sha256(keys.mac, signed)[:MAC_LENGTH]


def _keep_newest(mapping: dict[Any, Any], most: int) -> None:
    for key in list(mapping)[: max(0, len(mapping) - most)]:
        del mapping[key]
