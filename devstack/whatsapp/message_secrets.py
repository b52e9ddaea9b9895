"""Messages inside messages: encrypted with the secret of the one they are about.

Votes, and the reactions and edits of newer clients. The key is bound to the message,
to who wrote it and to who answers, so both must be named as the reader names them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devstack.whatsapp.context import Addressing, Said, address
from devstack.whatsapp.wire.ciphers import NO_SALT, hkdf

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

IV_LENGTH = 12
# Only these name message and sender once more beside the ciphertext.
BOUND: Final = frozenset({"Poll Vote", "Event Response"})


class Box(NamedTuple):
    payload: bytes
    iv: bytes


def sealed(
    plain: bytes, about: Said, by: Person, purpose: str, addressing: Addressing
) -> Box:
    """Raises ValueError when the message has no secret to seal with."""
    secret = about.message.messageContextInfo.messageSecret
    if not secret:
        raise ValueError("that message was sent without a secret")
    author, sender = address(about.sender, addressing), str(address(by, addressing))
    info = f"{about.whatsapp_id}{author}{sender}{purpose}".encode()
    bound = f"{about.whatsapp_id}\0{sender}".encode() if purpose in BOUND else b""
    iv = os.urandom(IV_LENGTH)
    key = hkdf(secret, NO_SALT, info, 32)
    return Box(AESGCM(key).encrypt(iv, plain, bound), iv)
