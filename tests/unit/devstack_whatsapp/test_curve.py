from __future__ import annotations

from devstack.whatsapp.wire.curve import KeyPair, verify, with_type


def test_both_sides_agree_whether_or_not_the_key_carries_its_type() -> None:
    ours, theirs = KeyPair(), KeyPair()

    assert ours.dh(theirs.public) == theirs.dh(with_type(ours.public))


def test_x25519_agrees_with_rfc_7748() -> None:
    bob = KeyPair(
        bytes.fromhex(
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
        )
    )
    alice = bytes.fromhex(
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    )

    assert bob.dh(alice).hex() == (
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    )


def test_a_signature_holds_for_its_message_and_its_key_only() -> None:
    for _ in range(8):  # each key has either sign on the Edwards curve
        key = KeyPair()
        signature = key.sign(b"message")

        assert verify(key.public, b"message", signature)
        assert verify(with_type(key.public), b"message", signature)
        assert not verify(key.public, b"another", signature)
        assert not verify(KeyPair().public, b"message", signature)
        assert not verify(key.public, b"message", signature[:-1])
