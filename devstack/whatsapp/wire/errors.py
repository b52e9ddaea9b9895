"""What can be wrong with bytes that came over the wire."""

from __future__ import annotations


class WireError(Exception):
    """The peer sent something the protocol does not allow."""


class DecodeError(WireError):
    """Bytes that are not what their place in the protocol requires."""


class DecryptError(WireError):
    """A ciphertext that does not authenticate, or whose key is unknown or spent."""


class RepeatedCounter(DecryptError):
    """The place of a message in its chain was read before: its key is spent."""
