from __future__ import annotations

import base64
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devstack.whatsapp.wire.ciphers import NO_SALT, hkdf, hmac_sha256
from devstack.whatsapp.wire.curve import KeyPair, verify
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.pairing import (
    BUNDLE_INFO,
    LinkedIdentity,
    ScannedQr,
    open_key_bundle,
    unwrap_ephemeral,
    wrap_ephemeral,
)
from devstack.whatsapp.wire.protobufs import Adv

AT = 1_700_000_000


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_phone_reads_the_code_with_and_without_its_address() -> None:
    keys = [os.urandom(32) for _ in range(3)]
    text = ",".join(["2@ref", *map(b64, keys), "1"])

    for shown in (text, f"https://wa.me/settings/linked_devices#{text}"):
        assert ScannedQr.parse(shown) == ScannedQr("2@ref", *keys)


@pytest.mark.parametrize(
    "text", ["", "https://example.com/", "a,b,c,d", "ref,AA==,AA=="]
)
def test_another_code_is_not_a_linking_code(text: str) -> None:
    with pytest.raises(DecodeError):
        ScannedQr.parse(text)


def test_phone_and_companion_vouch_for_each_other() -> None:
    phone, companion, secret = KeyPair(), KeyPair(), os.urandom(32)
    linked = LinkedIdentity(phone, companion.public, key_index=7, at=AT)

    container = Adv.ADVSignedDeviceIdentityHMAC.FromString(linked.authenticated(secret))
    identity = Adv.ADVSignedDeviceIdentity.FromString(container.details)

    assert hmac_sha256(secret, container.details) == container.HMAC
    assert verify(
        phone.public,
        b"\x06\x00" + identity.details + companion.public,
        identity.accountSignature,
    )
    assert Adv.ADVDeviceIdentity.FromString(identity.details).keyIndex == 7
    assert linked.is_signed_back(signed_back(identity, companion))
    assert not linked.is_signed_back(signed_back(identity, KeyPair()))
    assert not linked.is_signed_back(b"\xff")


def signed_back(identity: Adv.ADVSignedDeviceIdentity, companion: KeyPair) -> bytes:
    message = (
        b"\x06\x01" + identity.details + companion.public + identity.accountSignatureKey
    )
    return Adv.ADVSignedDeviceIdentity(
        details=identity.details, deviceSignature=companion.sign(message)
    ).SerializeToString()


def test_the_typed_code_opens_the_ephemeral_key_and_another_does_not() -> None:
    public = KeyPair().public
    wrapped = wrap_ephemeral(public, "ABCD-1234")

    assert len(wrapped) == 80
    assert unwrap_ephemeral(wrapped, "abcd1234") == public
    assert unwrap_ephemeral(wrapped, "ABCD-1235") != public
    with pytest.raises(DecodeError):
        unwrap_ephemeral(wrapped[:-1], "ABCD-1234")


def test_both_sides_derive_the_same_secret_from_the_bundle() -> None:
    phone, ephemeral = KeyPair(), KeyPair()
    companion, their_ephemeral = KeyPair(), KeyPair()
    random = os.urandom(32)
    bundle = sealed_bundle(
        companion.public + phone.public + random, their_ephemeral.dh(ephemeral.public)
    )

    opened = open_key_bundle(bundle, phone, ephemeral, their_ephemeral.public)

    shared = their_ephemeral.dh(ephemeral.public)
    secret = shared + companion.dh(phone.public) + random
    assert opened.companion_identity == companion.public
    assert opened.adv_secret == hkdf(secret, NO_SALT, b"adv_secret", 32)


def test_a_bundle_for_somebody_else_is_refused() -> None:
    phone, ephemeral, theirs = KeyPair(), KeyPair(), KeyPair()
    shared = theirs.dh(ephemeral.public)
    for_another = sealed_bundle(bytes(32) + KeyPair().public + bytes(32), shared)
    under_another_code = sealed_bundle(bytes(96), os.urandom(32))

    for bundle in (for_another, under_another_code, b""):
        with pytest.raises(DecryptError):
            open_key_bundle(bundle, phone, ephemeral, theirs.public)


def sealed_bundle(keys: bytes, shared: bytes) -> bytes:
    salt, nonce = os.urandom(32), os.urandom(12)
    key = hkdf(shared, salt, BUNDLE_INFO, 32)
    return salt + nonce + AESGCM(key).encrypt(nonce, keys, None)
