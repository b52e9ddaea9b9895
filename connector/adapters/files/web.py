"""Fetches from strangers' web servers, which may be hostile, on behalf of strangers.

Nothing of ours goes there: no cookies, no credentials, no proxy. Redirects are followed
by us, each checked like the first URL. What comes back is bounded in time and size, and
in the number of pieces: a server that sends single bytes costs no more than one that
does not. URLs never reach a log or an error: they may hold keys.

Each request has a connection of its own, and no pool, which would lose what is cancelled
(patient_http.py); a stranger's server may not keep alone what nobody waits for any more.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import Message
from http import HTTPStatus
from typing import Final

import httpcore
import httpx

from connector import __version__
from connector.adapters.files.connecting import (
    CheckedConnections,
    Resolve,
    SystemResolver,
)
from connector.adapters.files.urls import (
    HTTPS_PORT,
    TrustedHosts,
    last_name,
    not_allowed,
    parsed,
    redirected,
)
from connector.errors import FileUnavailable, InvalidPayload
from connector.patient_http import trust

MOST_REDIRECTS: Final = 3
PIECE: Final = 256 * 1024
# Crumbs: from so many pieces on, they must be so large on average.
MANY_PIECES: Final = 2_000
SMALLEST_PIECE: Final = 256
_TIMEOUTS: Final = {"connect": 5.0, "read": 15.0, "write": 5.0, "pool": 5.0}
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PASSING: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)


class Web:
    """The public web, and the hosts an operator trusts."""

    def __init__(self, trusted: TrustedHosts, resolve: Resolve | None = None) -> None:
        """Take `resolve` from tests that give names other meanings."""
        self._trusted = trusted
        self._resolver = SystemResolver()
        self._resolve = resolve or self._resolver.resolve

    @asynccontextmanager
    async def open(self, text: str, accept: str = "*/*") -> AsyncIterator[WebContent]:
        """What a URL gives, after at most three redirects.

        Raises InvalidPayload (url_not_allowed, url_not_found), FileUnavailable. How long
        it may take is the caller's to say.
        """
        url = parsed(text, self._trusted)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._asked(url, accept) as response:
                if response.status not in _REDIRECTS:
                    _demand_success(response)
                    yield WebContent(url, response)
                    return
                location = _header(response, b"location")
            url = redirected(url, location, self._trusted)
        raise not_allowed("leads on and on: at most 3 redirects are followed")

    def close(self) -> None:
        self._resolver.close()

    @asynccontextmanager
    async def _asked(
        self, url: httpx.URL, accept: str
    ) -> AsyncIterator[httpcore.Response]:
        request = httpcore.Request(
            "GET",
            httpcore.URL(
                scheme=b"https",
                host=url.raw_host,
                port=url.port or HTTPS_PORT,
                target=url.raw_path,
            ),
            headers=_headers(url, accept),
            extensions={"timeout": _TIMEOUTS},
        )
        network = CheckedConnections(self._trusted, self._resolve)
        connection = httpcore.AsyncHTTPConnection(
            request.url.origin, ssl_context=trust(), network_backend=network
        )
        try:
            yield await connection.handle_async_request(request)
        except (httpcore.NetworkError, httpcore.TimeoutException) as error:
            raise _unreachable(error) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise FileUnavailable(
                "The URL's server broke off, or does not speak HTTP."
            ) from error
        finally:
            await network.aclose()


class WebContent:
    """A file on its way here."""

    def __init__(self, url: httpx.URL, response: httpcore.Response) -> None:
        self._response = response
        self._url = url
        content_type = _header(response, b"content-type")
        self.charset = _parameter(content_type, "charset")
        self.mime_type = content_type.partition(";")[0].strip().lower() or None

    @property
    def size(self) -> int:
        """Bytes to come, as announced; 0 when nothing was."""
        announced = _header(self._response, b"content-length")
        return int(announced) if _LENGTH.fullmatch(announced) else 0

    @property
    def file_name(self) -> str:
        """What the server, or else the URL, calls it; not yet safe to show."""
        given = _parameter(_header(self._response, b"content-disposition"), "filename")
        return given or last_name(self._url)

    def joined(self, location: str) -> str | None:
        """What a relative address on this page means; None when it means nothing."""
        try:
            return str(self._url.join(location))
        except (httpx.InvalidURL, ValueError):
            return None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises FileUnavailable."""
        gathered, count, size = bytearray(), 0, 0
        async for piece in self._response.aiter_stream():
            count += 1
            size += len(piece)
            if count > MANY_PIECES and size < count * SMALLEST_PIECE:
                raise FileUnavailable("The URL's server sends its file in crumbs.")
            gathered += piece
            if len(gathered) >= PIECE:
                yield bytes(gathered)
                gathered.clear()
        yield bytes(gathered)


def _headers(url: httpx.URL, accept: str) -> list[tuple[str | bytes, str | bytes]]:
    return [
        ("Host", url.netloc),
        ("User-Agent", f"Mozilla/5.0 (compatible; Zapbase/{__version__})"),
        ("Accept", accept),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


def _unreachable(error: Exception) -> FileUnavailable:
    # httpcore hands on what it wraps as the argument, and drops the cause.
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in error.args):
        return FileUnavailable("The URL's server has no valid certificate.")
    return FileUnavailable("The URL's server cannot be reached, or does not answer.")


def _demand_success(response: httpcore.Response) -> None:
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise FileUnavailable(f"The URL's server answered {status}.")
    if status != HTTPStatus.OK:
        raise InvalidPayload(
            f"payload.url gives no file: its server answered {status}.",
            code="url_not_found",
        )
    if _header(response, b"content-encoding").lower() not in ("", "identity"):
        raise not_allowed("gives a compressed answer, though a plain one was asked for")


def _header(response: httpcore.Response, name: bytes) -> str:
    for key, value in response.headers:
        if key.lower() == name:
            return value.decode("utf-8", "replace").strip()
    return ""


def _parameter(header: str, name: str) -> str:
    message = Message()
    message["content-disposition"] = header
    found = message.get_param(name, "", header="content-disposition")
    if isinstance(found, tuple):  # RFC 2231: with a charset
        charset, _, value = found
        try:
            return value.encode("latin-1").decode(charset or "utf-8", "replace")
        except (LookupError, UnicodeError):
            return ""
    return found or ""
