"""What is sealed with another message's secret: votes, edits, reactions, comments.

The key is HKDF-SHA256(secret, info = id + author + sender + purpose), the cipher
AES-256-GCM; only votes and answers to events are bound to the message beside that
(whatsmeow, msgsecret.go). Author and sender are addresses as text, and either of a
person's two may have been meant: whichever opens it was the right one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.adapters.whatsapp.reading.envelope import Envelope, named
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.addresses import Jid
from connector.domain.messages import Person

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_LARGEST: Final = 1024 * 1024  # bytes


class Purpose(enum.StrEnum):
    VOTE = "Poll Vote"
    REACTION = "Enc Reaction"
    COMMENT = "Enc Comment"
    MESSAGE_EDIT = "Message Edit"
    EVENT_EDIT = "Event Edit"
    POLL_EDIT = "Poll Edit"


def opened(
    envelope: Envelope, key: Any, sealed: Any, purpose: Purpose, rules: ReadingRules
) -> bytes | None:
    """What the envelope's sender sealed for the message that `key` names.

    None when its secret is not known, or it is not theirs.
    """
    author = envelope.author_of(key, rules.own)
    name = named(key)
    usable = len(sealed.encIV) == _NONCE_BYTES and len(sealed.encPayload) <= _LARGEST
    if author is None or not name or not usable:
        return None
    secret = _secret(envelope, author, name, rules)
    if secret is None:
        return None
    for author_jid, sender in product(_addresses(author), _addresses(envelope.sender)):
        told = f"{name}{author_jid}{sender}{purpose}".encode()
        bound = f"{name}\0{sender}".encode() if purpose is Purpose.VOTE else None
        found = _decrypted(_derived(secret, told), sealed, bound)
        if found is not None:
            return found
    return None


def _secret(
    envelope: Envelope, author: Person, name: str, rules: ReadingRules
) -> bytes | None:
    found = (
        rules.secret_of(envelope.chat.jid, jid, name) for jid in _addresses(author)
    )
    return next((secret for secret in found if secret), None)


def _addresses(person: Person) -> Iterator[Jid]:
    return (jid for jid in (person.lid, person.phone) if jid is not None)


def _derived(secret: bytes, told: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=told).derive(secret)


def _decrypted(key: bytes, sealed: Any, bound: bytes | None) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed.encIV, sealed.encPayload, bound)
    except InvalidTag:
        return None
