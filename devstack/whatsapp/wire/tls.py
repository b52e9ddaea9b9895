"""A throw-away certificate authority and the server certificate it signs.

The client gets its authority by SSL_CERT_FILE, which replaces the system's whole list;
so the bundle written here holds the public authorities as well, and every other TLS
connection of that process keeps working.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Final, NamedTuple

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

HOSTS: Final = (
    "web.whatsapp.com",
    "*.web.whatsapp.com",
    "*.whatsapp.net",
    "localhost",
)
AUTHORITY_NAME = "Emulated WhatsApp, for tests only"
VALID_FOR = dt.timedelta(days=365)
CLOCK_SKEW = dt.timedelta(days=1)


class ServerTls(NamedTuple):
    """`ca_bundle` is for the client's SSL_CERT_FILE."""

    ca_bundle: Path
    context: ssl.SSLContext


def issue(directory: Path, hosts: tuple[str, ...] = HOSTS) -> ServerTls:
    """Make both certificates anew and write them into `directory`."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    server_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(AUTHORITY_NAME, authority_key, authority_key, hosts=())
    server = _certificate(hosts[0], server_key, authority_key, hosts=hosts)
    ca_bundle = directory / "ca.pem"
    ca_bundle.write_bytes(
        authority.public_bytes(Encoding.PEM) + Path(certifi.where()).read_bytes()
    )
    return ServerTls(ca_bundle, _context(directory / "server.pem", server_key, server))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    hosts: tuple[str, ...],
) -> x509.Certificate:
    """An authority when it has no hosts."""
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(AUTHORITY_NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALID_FOR)
        .add_extension(
            x509.BasicConstraints(ca=not hosts, path_length=None), critical=True
        )
    )
    if hosts:
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        alternatives = x509.SubjectAlternativeName(names)
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(signer, SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _context(
    path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.set_alpn_protocols(["http/1.1"])
    return context
