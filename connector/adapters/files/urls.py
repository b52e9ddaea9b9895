"""Which URLs are followed at all, before anything is asked of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import httpx

from connector.errors import InvalidPayload

HTTPS_PORT: Final = 443
LONGEST_URL: Final = 4096


@dataclass(frozen=True, slots=True)
class TrustedHosts:
    """What an operator allows: `host` for any of its ports, or `host:port`."""

    names: frozenset[str] = frozenset()

    def allow(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return shown in self.names or f"{shown}:{port}" in self.names


def parsed(text: str, trusted: TrustedHosts) -> httpx.URL:
    """An https URL of a host that may be asked for. Raises InvalidPayload."""
    if len(text) > LONGEST_URL:
        raise not_allowed("is too long")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise not_allowed("is not a URL") from error
    return allowed(url, trusted)


def redirected(url: httpx.URL, location: str, trusted: TrustedHosts) -> httpx.URL:
    """Where an answer points to, under the same rules. Raises InvalidPayload."""
    try:
        return parsed(str(url.join(location)), trusted)
    except (httpx.InvalidURL, ValueError) as error:
        raise not_allowed("leads to what is not a URL") from error


def allowed(url: httpx.URL, trusted: TrustedHosts) -> httpx.URL:
    if url.scheme != "https" or not url.host:
        raise not_allowed("must begin with https://")
    if url.userinfo:
        raise not_allowed("must not hold a user name or a password")
    port = url.port or HTTPS_PORT
    if port != HTTPS_PORT and not trusted.allow(url.host, port):
        raise not_allowed("must not name a port")
    return url.copy_with(fragment=None)


def last_name(url: httpx.URL) -> str:
    """What a file there is probably called."""
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return unquote(path.rpartition("/")[2])


def not_allowed(reason: str) -> InvalidPayload:
    """The sentence never quotes the URL: it may hold a key."""
    return InvalidPayload(f"payload.url {reason}.", code="url_not_allowed")
