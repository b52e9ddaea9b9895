from __future__ import annotations

import hashlib
import time

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devstack.whatsapp.wire.curve import KeyPair, verify
from devstack.whatsapp.wire.errors import DecodeError, DecryptError
from devstack.whatsapp.wire.noise import (
    HEADER,
    PATTERN,
    CertificateAuthority,
    Deframer,
    NoiseServer,
    frame,
    hkdf,
)
from devstack.whatsapp.wire.protobufs import Cert, Wa6


class Client:
    """The other side of the handshake, written from its description."""

    def __init__(self) -> None:
        self.static, self.ephemeral = KeyPair(), KeyPair()
        self.hash = self.chaining_key = self.key = PATTERN
        self.counter = 0
        self.mix_hash(HEADER)

    def hello(self) -> bytes:
        self.mix_hash(self.ephemeral.public)
        hello = Wa6.HandshakeMessage.ClientHello(ephemeral=self.ephemeral.public)
        return Wa6.HandshakeMessage(clientHello=hello).SerializeToString()

    def finish(self, answer: bytes, payload: bytes) -> tuple[bytes, bytes]:
        """The finishing frame, and the certificate chain the server showed."""
        hello = Wa6.HandshakeMessage.FromString(answer).serverHello
        self.mix_hash(hello.ephemeral)
        self.mix_key(self.ephemeral.dh(hello.ephemeral))
        server_static = self.open(hello.static)
        self.mix_key(self.ephemeral.dh(server_static))
        chain = self.open(hello.payload)
        static = self.seal(self.static.public)
        self.mix_key(self.static.dh(hello.ephemeral))
        finish = Wa6.HandshakeMessage.ClientFinish(
            static=static, payload=self.seal(payload)
        )
        keys = hkdf(b"", self.chaining_key)
        self.writing, self.reading = AESGCM(keys[:32]), AESGCM(keys[32:])
        return Wa6.HandshakeMessage(clientFinish=finish).SerializeToString(), chain

    def seal(self, plaintext: bytes) -> bytes:
        ciphertext = AESGCM(self.key).encrypt(self.iv(), plaintext, self.hash)
        self.mix_hash(ciphertext)
        return ciphertext

    def open(self, ciphertext: bytes) -> bytes:
        plaintext = AESGCM(self.key).decrypt(self.iv(), ciphertext, self.hash)
        self.mix_hash(ciphertext)
        return plaintext

    def iv(self) -> bytes:
        self.counter += 1
        return (self.counter - 1).to_bytes(12, "big")

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, shared: bytes) -> None:
        keys = hkdf(shared, self.chaining_key)
        self.chaining_key, self.key, self.counter = keys[:32], keys[32:], 0


def test_a_handshake_tells_each_side_who_the_other_is() -> None:
    authority, static, client = CertificateAuthority(), KeyPair(), Client()
    server = NoiseServer(static, authority.chain(static.public), HEADER)

    finish, chain = client.finish(
        server.client_hello(client.hello()),
        Wa6.ClientPayload(username=5511912345678).SerializeToString(),
    )
    payload, client_static = server.client_finish(finish)

    assert payload.username == 5511912345678
    assert client_static == client.static.public
    assert_trusted(chain, authority.root_public, static.public)


def test_after_the_handshake_each_direction_counts_its_own_frames() -> None:
    client, server = shaken_hands()

    for n in range(3):
        iv = n.to_bytes(12, "big")
        assert client.reading.decrypt(iv, server.encrypt(b"down"), None) == b"down"
        assert server.decrypt(client.writing.encrypt(iv, b"up", None)) == b"up"


def test_a_repeated_frame_does_not_authenticate() -> None:
    client, server = shaken_hands()
    sealed = client.writing.encrypt(bytes(12), b"up", None)
    server.decrypt(sealed)

    with pytest.raises(DecryptError):
        server.decrypt(sealed)


def test_another_header_than_the_agreed_one_breaks_the_handshake() -> None:
    client, static = Client(), KeyPair()
    server = NoiseServer(static, b"chain", b"WA\x06\x02")

    answer = Wa6.HandshakeMessage.FromString(server.client_hello(client.hello()))

    assert len(answer.serverHello.static) == 48
    finish = Wa6.HandshakeMessage(
        clientFinish=Wa6.HandshakeMessage.ClientFinish(static=bytes(48))
    )
    with pytest.raises(DecryptError):
        server.client_finish(finish.SerializeToString())


def test_garbage_is_no_handshake() -> None:
    with pytest.raises(DecodeError):
        NoiseServer(KeyPair(), b"", HEADER).client_hello(b"\xff\xff")


def test_frames_are_cut_out_of_the_stream_however_it_arrives() -> None:
    stream = frame(b"one") + frame(b"") + frame(b"three" * 100)

    for piece in (1, 2, 3, 5, len(stream)):
        deframer = Deframer()
        pieces = [stream[i : i + piece] for i in range(0, len(stream), piece)]
        bodies = [body for piece_ in pieces for body in deframer.feed(piece_)]
        assert bodies == [b"one", b"", b"three" * 100]


def shaken_hands() -> tuple[Client, NoiseServer]:
    client, static = Client(), KeyPair()
    server = NoiseServer(static, b"chain", HEADER)
    finish, _ = client.finish(server.client_hello(client.hello()), b"")
    server.client_finish(finish)
    return client, server


def assert_trusted(chain: bytes, root: bytes, server_static: bytes) -> None:
    """The checks of whatsmeow's verifyServerCert."""
    parsed = Cert.CertChain.FromString(chain)
    details = Cert.CertChain.NoiseCertificate.Details
    intermediate = details.FromString(parsed.intermediate.details)
    leaf = details.FromString(parsed.leaf.details)
    assert verify(root, parsed.intermediate.details, parsed.intermediate.signature)
    assert verify(intermediate.key, parsed.leaf.details, parsed.leaf.signature)
    assert intermediate.issuerSerial == 0
    assert leaf.issuerSerial == intermediate.serial
    assert leaf.key == server_static
    for certificate in (intermediate, leaf):
        assert certificate.notBefore < time.time() < certificate.notAfter
