"""Prekeys: what a device publishes so that others can start a session with it."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.whatsapp.wire.curve import KeyPair, verify, with_type


@dataclass(frozen=True, slots=True)
class SignedPrekey:
    """`id` fits 3 bytes; `signature` is the identity's, over 05 and the public key."""

    id: int
    public: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class OneTimePrekey:
    id: int
    public: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """One device's public keys, with a one-time prekey while it has any left."""

    registration_id: int
    identity: bytes
    signed: SignedPrekey
    one_time: OneTimePrekey | None = None

    def is_authentic(self) -> bool:
        return verify(
            self.identity, with_type(self.signed.public), self.signed.signature
        )


def sign_prekey(identity: KeyPair, prekey_id: int, public: bytes) -> SignedPrekey:
    return SignedPrekey(prekey_id, public, identity.sign(with_type(public)))
