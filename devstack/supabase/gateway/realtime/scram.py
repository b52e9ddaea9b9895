"""The client's half of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

NO_CHANNEL_BINDING = "n,,"


class ScramRefused(ConnectionError):
    """The server did not prove that it knows the password, or broke the protocol."""


class ScramClient:
    """Postgres takes the user from the start-up message and ignores this one."""

    def __init__(
        self, password: str, *, user: str = "", nonce: str | None = None
    ) -> None:
        self._password = password
        self._nonce = nonce or secrets.token_urlsafe(18)
        self._first_bare = f"n={user},r={self._nonce}"
        self._server_signature = b""

    def first(self) -> str:
        return NO_CHANNEL_BINDING + self._first_bare

    def final(self, server_first: str) -> str:
        """Answer the server's salt and iteration count; raises ScramRefused."""
        fields = _fields(server_first)
        if not fields.get("r", "").startswith(self._nonce):
            raise ScramRefused("the server changed the nonce")
        salted = hashlib.pbkdf2_hmac(
            "sha256",
            self._password.encode(),
            base64.b64decode(fields["s"]),
            int(fields["i"]),
        )
        binding = base64.b64encode(NO_CHANNEL_BINDING.encode()).decode()
        final_bare = f"c={binding},r={fields['r']}"
        signed = f"{self._first_bare},{server_first},{final_bare}".encode()
        client_key = _mac(salted, b"Client Key")
        signature = _mac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = _mac(_mac(salted, b"Server Key"), signed)
        return f"{final_bare},p={base64.b64encode(proof).decode()}"

    def verify(self, server_final: str) -> None:
        """Raises ScramRefused unless the server knows the password too."""
        claimed = base64.b64decode(_fields(server_final).get("v", ""))
        if not hmac.compare_digest(claimed, self._server_signature):
            raise ScramRefused("the server's signature is wrong")


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _fields(message: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in message.split(",") if "=" in part)
