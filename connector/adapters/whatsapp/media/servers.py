"""WhatsApp's media servers: files and profile pictures over HTTPS, from no other host.

Not through neonize, which holds a whole file in the memory of its worker. Proxies and
certificates are those that the environment names: HTTPS_PROXY, SSL_CERT_FILE.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import httpx

from connector.errors import FetchFailed, MediaCorrupt, MediaExpired, MediaTooLarge
from connector.file_types import JPEG, sniffed
from connector.patient_http import PatientClient

HOST: Final = "mmg.whatsapp.net"
HOSTS: Final = ".whatsapp.net"
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
MOST_CONNECTIONS: Final = 8
LARGEST_PICTURE: Final = 1024 * 1024
LONGEST_PATH: Final = 2048

_GONE: Final = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_PATH: Final = re.compile(r"/[\x21-\x7e]*")
# The query that WhatsApp's own clients send; sticker files count as images.
_KINDS: Final = {
    "image": "image",
    "sticker": "image",
    "video": "video",
    "audio": "audio",
    "document": "document",
    "history": "md-msg-hist",
}
# As whatsmeow asks, which these servers know; and bytes as they are, not compressed.
_HEADERS: Final = {
    "Origin": "https://web.whatsapp.com",
    "Referer": "https://web.whatsapp.com/",
    "User-Agent": "Go-http-client/1.1",
    "Accept-Encoding": "identity",
}


class PartUnusable(FetchFailed):
    """What was downloaded before is not the beginning of this file."""


class MediaServers:
    """Implements ports.PictureSource besides."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Take `transport` from tests that reach the servers another way."""
        self._http = PatientClient(
            most_connections=MOST_CONNECTIONS,
            transport=transport,
            timeout=TIMEOUT,
            headers=_HEADERS,
            follow_redirects=False,
        )

    @asynccontextmanager
    async def download(
        self, direct_path: str, media_type: str, enc_sha256: bytes, *, offset: int
    ) -> AsyncIterator[Download]:
        """An encrypted file, from `offset` on if the server can. Raises FetchFailed."""
        url = file_url(direct_path, media_type, enc_sha256)
        wanted = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            async with self._http.stream("GET", url, headers=wanted) as response:
                if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise PartUnusable
                _demand_success(response)
                yield Download(response, offset)
        except httpx.HTTPError as error:
            raise FetchFailed from error

    async def fetch(self, url: str) -> bytes:
        try:
            async with self._http.stream("GET", _whatsapp_url(url)) as response:
                _demand_success(response)
                picture = bytearray()
                async for piece in response.aiter_bytes():
                    picture += piece
                    if len(picture) > LARGEST_PICTURE:
                        raise MediaTooLarge
        except httpx.HTTPError as error:
            raise FetchFailed from error
        if sniffed(bytes(picture)) != JPEG:
            raise MediaCorrupt
        return bytes(picture)

    async def aclose(self) -> None:
        await self._http.aclose()


class Download:
    """A file on its way here."""

    def __init__(self, response: httpx.Response, offset: int) -> None:
        """Raises PartUnusable when the server goes on somewhere else."""
        self._response = response
        self.continues = response.status_code == HTTPStatus.PARTIAL_CONTENT
        starts = f"bytes {offset}-"
        if self.continues and not _header(response, "content-range").startswith(starts):
            raise PartUnusable

    @property
    def size(self) -> int:
        """Bytes still to come, as announced; 0 when nothing was."""
        announced = _header(self._response, "content-length")
        return int(announced) if announced.isdecimal() else 0

    def pieces(self, size: int) -> AsyncIterator[bytes]:
        return self._response.aiter_raw(size)


def file_url(direct_path: str, media_type: str, enc_sha256: bytes) -> httpx.URL:
    """Where a file is; raises MediaCorrupt for what can be nobody's path."""
    kind = _KINDS.get(media_type)
    if kind is None or len(direct_path) > LONGEST_PATH:
        raise MediaCorrupt
    if not _PATH.fullmatch(direct_path):
        raise MediaCorrupt
    joint = "&" if "?" in direct_path else "?"
    digest = base64.urlsafe_b64encode(enc_sha256).decode()
    query = f"{joint}hash={digest}&mms-type={kind}&__wa-mms="
    url = httpx.URL(f"https://{HOST}{direct_path}{query}")
    if url.host != HOST:
        raise MediaCorrupt
    return url


def _whatsapp_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise MediaCorrupt from error
    plain = url.scheme == "https" and url.port is None and not url.userinfo
    if not plain or not url.host.endswith(HOSTS):
        raise MediaCorrupt
    return url


def _demand_success(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE:
        raise MediaExpired
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise FetchFailed(f"A media server answered {status}.")


def _header(response: httpx.Response, name: str) -> str:
    value: str = response.headers.get(name, "")
    return value
