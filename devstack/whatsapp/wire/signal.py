"""The Signal identity of one emulated device: its keys, sessions and sender keys."""

from __future__ import annotations

import os
import secrets
from collections.abc import Hashable
from typing import Literal

from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.errors import DecryptError, RepeatedCounter
from devstack.whatsapp.wire.prekeys import Bundle, OneTimePrekey, sign_prekey
from devstack.whatsapp.wire.ratchet import Chain, Session
from devstack.whatsapp.wire.sender_keys import OwnSenderKey, TheirSenderKey
from devstack.whatsapp.wire.whisper_text import (
    PreKeySignalMessage,
    SenderKeyDistribution,
    SenderKeyMessage,
)

CiphertextType = Literal["pkmsg", "msg"]

MOST_SESSIONS_PER_PEER = 40  # libsignal archives as many
SIGNED_PREKEY_ID = 1
LARGEST_REGISTRATION_ID = 0x3FFF  # 14 bits


class Identity:
    """A device. Peers are any hashable address, such as (LID user, device).

    Message plaintexts are padded to hide their length: n bytes of value n, 1 to 15.
    """

    def __init__(self, key: KeyPair | None = None) -> None:
        self.key = key or KeyPair()
        self.registration_id = secrets.randbelow(LARGEST_REGISTRATION_ID - 1) + 1
        self._signed_key = KeyPair()
        self._signed = sign_prekey(self.key, SIGNED_PREKEY_ID, self._signed_key.public)
        self._one_time: dict[int, KeyPair] = {}
        self._last_one_time = 0
        self._sessions: dict[Hashable, list[Session]] = {}  # newest first
        self._own_sender_keys: dict[str, OwnSenderKey] = {}
        self._their_sender_keys: dict[tuple[str, Hashable, int], TheirSenderKey] = {}

    def bundle(self) -> Bundle:
        """Our public keys, with a one-time prekey that nobody else gets."""
        self._last_one_time += 1
        one_time = self._one_time[self._last_one_time] = KeyPair()
        return Bundle(
            self.registration_id,
            self.key.public,
            self._signed,
            OneTimePrekey(self._last_one_time, one_time.public),
        )

    def has_session(self, peer: Hashable) -> bool:
        return bool(self._sessions.get(peer))

    def start_session(self, peer: Hashable, bundle: Bundle) -> None:
        """Raises DecryptError when the bundle is not signed by its identity."""
        if not bundle.is_authentic():
            raise DecryptError("a prekey is not signed by its identity")
        self._add_session(peer, Session.initiate(self.key, bundle))

    def encrypt(self, peer: Hashable, plaintext: bytes) -> tuple[CiphertextType, bytes]:
        """Needs a session. A "pkmsg" carries what the peer needs to build its own."""
        session = self._sessions[peer][0]
        unanswered = session.unanswered
        message = session.encrypt(_padded(plaintext))
        if unanswered is None:
            return "msg", message
        return "pkmsg", PreKeySignalMessage(
            unanswered.one_time_id,
            session.base_key,
            self.key.public,
            message,
            self.registration_id,
            unanswered.signed_prekey_id,
        ).encode()

    def decrypt(self, peer: Hashable, kind: str, ciphertext: bytes) -> bytes:
        """`kind` is the `type` of an <enc>.

        Raises DecodeError, DecryptError; RepeatedCounter when it was read before.
        """
        if kind == "pkmsg":
            return self._decrypt_first(peer, PreKeySignalMessage.decode(ciphertext))
        if kind != "msg":
            raise DecryptError(f"{kind} is not a type of session message")
        repeated = None
        for session in self._sessions.get(peer, []):
            try:
                plaintext = session.decrypt(ciphertext)
            except DecryptError as error:
                if isinstance(error, RepeatedCounter):
                    repeated = error
                continue  # an older session may still be in use by the peer
            self._prefer(peer, session)
            return _unpadded(plaintext)
        raise repeated or DecryptError("no session with this peer opens the message")

    def forget_session(self, peer: Hashable) -> None:
        """As after a reinstallation: the peer's next message cannot be read."""
        self._sessions.pop(peer, None)

    def damage_session(self, peer: Hashable) -> None:
        """Make the peer unable to read what we send next."""
        session = self._sessions[peer][0]
        session.sending = Chain(os.urandom(32), session.sending.counter)

    def _decrypt_first(self, peer: Hashable, first: PreKeySignalMessage) -> bytes:
        for session in self._sessions.get(peer, []):
            if session.base_key == first.base_key:
                return _unpadded(session.decrypt(first.message))
        session = Session.accept(
            self.key, first, self._signed_key, self._one_time_key(first)
        )
        plaintext = session.decrypt(first.message)
        # Spent only now: a forged message must not use up somebody's prekey.
        self._one_time.pop(first.one_time_id or 0, None)
        self._add_session(peer, session)
        return _unpadded(plaintext)

    def _one_time_key(self, first: PreKeySignalMessage) -> KeyPair | None:
        if first.signed_prekey_id != SIGNED_PREKEY_ID:
            raise DecryptError("a message is for a signed prekey we do not have")
        if first.one_time_id is None:
            return None
        if first.one_time_id not in self._one_time:
            raise DecryptError("a message is for a one-time prekey that was used")
        return self._one_time[first.one_time_id]

    def _add_session(self, peer: Hashable, session: Session) -> None:
        sessions = self._sessions.setdefault(peer, [])
        sessions.insert(0, session)
        del sessions[MOST_SESSIONS_PER_PEER:]

    def _prefer(self, peer: Hashable, session: Session) -> None:
        sessions = self._sessions[peer]
        if sessions[0] is not session:
            sessions.remove(session)
            sessions.insert(0, session)

    def distribution_message(self, group: str) -> bytes:
        """Our sender key of the group, from now on; made on first use."""
        if group not in self._own_sender_keys:
            self._own_sender_keys[group] = OwnSenderKey()
        return self._own_sender_keys[group].distribution()

    def has_sender_key(self, group: str) -> bool:
        return group in self._own_sender_keys

    def forget_sender_key(self, group: str) -> None:
        """As when a member left: the next message needs a new distribution."""
        self._own_sender_keys.pop(group, None)

    def group_encrypt(self, group: str, plaintext: bytes) -> bytes:
        """Needs a sender key: call distribution_message first."""
        return self._own_sender_keys[group].encrypt(_padded(plaintext))

    def take_distribution(self, group: str, peer: Hashable, message: bytes) -> None:
        told = SenderKeyDistribution.decode(message)
        known = self._their_sender_keys.get((group, peer, told.key_id))
        # Clients repeat it with every message; what we skipped must not be forgotten.
        if known is None or known.signing_key != told.signing_key:
            self._their_sender_keys[group, peer, told.key_id] = TheirSenderKey(
                told.iteration, told.chain_key, told.signing_key
            )

    def group_decrypt(self, group: str, peer: Hashable, message: bytes) -> bytes:
        """Raises DecodeError, DecryptError."""
        parsed = SenderKeyMessage.decode(message)
        sender_key = self._their_sender_keys.get((group, peer, parsed.key_id))
        if sender_key is None:
            raise DecryptError("no sender key from this member")
        return _unpadded(sender_key.decrypt(message, parsed))


def _padded(plaintext: bytes) -> bytes:
    length = secrets.randbelow(15) + 1
    return plaintext + bytes([length]) * length


def _unpadded(plaintext: bytes) -> bytes:
    if not plaintext or not 1 <= plaintext[-1] <= len(plaintext):
        raise DecryptError("a message's padding is wrong")
    return plaintext[: -plaintext[-1]]
