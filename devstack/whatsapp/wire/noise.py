"""The server's side of WhatsApp's Noise_XX_25519_AESGCM_SHA256 transport.

    client hello: e   ->
                      <-  server hello: e, ee, s, es, certificate chain
    client finish: s, se, ClientPayload  ->

After that both sides write frames under one key per direction. A frame is a length of
three bytes (big-endian) and a body; the client's first bytes, before any frame, are the
header `57 41 06 03`: "WA", protocol 6, token dictionary 3.
"""

from __future__ import annotations

import hashlib
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError as ProtobufError

from devstack.whatsapp.wire.ciphers import hkdf
from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.protobufs import Cert, Wa6

__all__ = ["HEADER", "CertificateAuthority", "Deframer", "NoiseServer", "frame", "hkdf"]

HEADER = b"WA\x06\x03"
LENGTH_BYTES = 3
# Exactly 32 bytes, hence the initial hash and chaining key without being hashed.
PATTERN = b"Noise_XX_25519_AESGCM_SHA256\x00\x00\x00\x00"
DAY = 86_400
INTERMEDIATE_SERIAL, LEAF_SERIAL = 1, 2

_Certificate = Cert.CertChain.NoiseCertificate


class CertificateAuthority:
    """Root and intermediate; a client must have `root_public` in place of WhatsApp's."""

    def __init__(self, root: KeyPair | None = None) -> None:
        self._root = root or KeyPair()
        self._intermediate = KeyPair()
        now = int(time.time())
        self._not_before, self._not_after = now - DAY, now + 365 * DAY

    @property
    def root_public(self) -> bytes:
        return self._root.public

    def chain(self, static_public: bytes, *, not_after: int | None = None) -> bytes:
        """The serialized chain for a server key; `not_after` in Unix seconds."""
        return Cert.CertChain(
            intermediate=self._issue(
                self._root, self._intermediate.public, INTERMEDIATE_SERIAL, issuer=0
            ),
            leaf=self._issue(
                self._intermediate,
                static_public,
                LEAF_SERIAL,
                issuer=INTERMEDIATE_SERIAL,
                not_after=not_after,
            ),
        ).SerializeToString()

    def _issue(
        self,
        signer: KeyPair,
        key: bytes,
        serial: int,
        *,
        issuer: int,
        not_after: int | None = None,
    ) -> Cert.CertChain.NoiseCertificate:
        details = _Certificate.Details(
            serial=serial,
            issuerSerial=issuer,
            key=key,
            notBefore=self._not_before,
            notAfter=not_after or self._not_after,
        ).SerializeToString()
        return _Certificate(details=details, signature=signer.sign(details))


class NoiseServer:
    """One handshake and the transport that follows. Raises DecodeError, DecryptError."""

    def __init__(self, static: KeyPair, chain: bytes, prologue: bytes) -> None:
        self._static, self._chain = static, chain
        self._ephemeral = KeyPair()
        self._hash = self._chaining_key = PATTERN
        self._cipher = _Counted(PATTERN)
        self._mix_hash(prologue)
        self._reading: _Counted | None = None
        self._writing: _Counted | None = None

    def client_hello(self, body: bytes) -> bytes:
        """Take the first frame's body; the answer is the body of the server hello."""
        theirs = _handshake(body).clientHello.ephemeral
        self._mix_hash(theirs)
        self._mix_hash(self._ephemeral.public)
        self._mix_key(self._ephemeral.dh(theirs))
        static = self._encrypt_and_hash(self._static.public)
        self._mix_key(self._static.dh(theirs))
        payload = self._encrypt_and_hash(self._chain)
        return Wa6.HandshakeMessage(
            serverHello=Wa6.HandshakeMessage.ServerHello(
                ephemeral=self._ephemeral.public, static=static, payload=payload
            )
        ).SerializeToString()

    def client_finish(self, body: bytes) -> tuple[Wa6.ClientPayload, bytes]:
        """Who the client says it is, and its static public key, which proves it."""
        finish = _handshake(body).clientFinish
        client_static = self._decrypt_and_hash(finish.static)
        self._mix_key(self._ephemeral.dh(client_static))
        payload = self._decrypt_and_hash(finish.payload)
        keys = hkdf(b"", self._chaining_key)
        self._reading, self._writing = _Counted(keys[:32]), _Counted(keys[32:])
        try:
            return Wa6.ClientPayload.FromString(payload), client_static
        except ProtobufError as error:
            raise DecodeError("the client payload is no ClientPayload") from error

    def encrypt(self, plaintext: bytes) -> bytes:
        if self._writing is None:
            raise RuntimeError("the handshake is not finished")
        return self._writing.encrypt(plaintext, b"")

    def decrypt(self, ciphertext: bytes) -> bytes:
        if self._reading is None:
            raise RuntimeError("the handshake is not finished")
        return self._reading.decrypt(ciphertext, b"")

    def _mix_hash(self, data: bytes) -> None:
        self._hash = hashlib.sha256(self._hash + data).digest()

    def _mix_key(self, shared: bytes) -> None:
        keys = hkdf(shared, self._chaining_key)
        self._chaining_key, self._cipher = keys[:32], _Counted(keys[32:])

    def _encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt(plaintext, self._hash)
        self._mix_hash(ciphertext)
        return ciphertext

    def _decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = self._cipher.decrypt(ciphertext, self._hash)
        self._mix_hash(ciphertext)
        return plaintext


class _Counted:
    """AES-256-GCM whose IV is the number of earlier uses of the key."""

    def __init__(self, key: bytes) -> None:
        self._cipher, self._uses = AESGCM(key), 0

    def encrypt(self, plaintext: bytes, associated: bytes) -> bytes:
        return self._cipher.encrypt(self._next_iv(), plaintext, associated)

    def decrypt(self, ciphertext: bytes, associated: bytes) -> bytes:
        try:
            return self._cipher.decrypt(self._next_iv(), ciphertext, associated)
        except InvalidTag as error:
            raise DecryptError("a Noise frame does not authenticate") from error

    def _next_iv(self) -> bytes:
        iv = bytes(8) + self._uses.to_bytes(4, "big")
        self._uses += 1
        return iv


def _handshake(body: bytes) -> Wa6.HandshakeMessage:
    try:
        return Wa6.HandshakeMessage.FromString(body)
    except ProtobufError as error:
        raise DecodeError("the frame is no HandshakeMessage") from error


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Deframer:
    """Cuts a stream into frame bodies; what it holds back is at most one frame."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._pending += data
        bodies: list[bytes] = []
        start = 0
        while len(self._pending) - start >= LENGTH_BYTES:
            body = start + LENGTH_BYTES
            end = body + int.from_bytes(self._pending[start:body], "big")
            if len(self._pending) < end:
                break
            bodies.append(bytes(self._pending[body:end]))
            start = end
        del self._pending[:start]
        return bodies
