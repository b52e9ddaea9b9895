"""Files in Storage that are to be sent: what it says of them, and their bytes.

The secret key reads every bucket. Whether the app may send a file is asked where its row
is inserted; here a path must mean exactly the object that was asked about there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.media import true_status
from connector.domain.outgoing import StoredFile
from connector.errors import (
    FileUnavailable,
    InvalidPayload,
    StorageUnavailable,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import StoredFacts

PIECE: Final = 256 * 1024


class SupabaseStoredFiles:
    """Implements StoredFiles."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def stat(self, file: StoredFile) -> StoredFacts:
        async with self._receive("info", file) as response:
            facts = _object(await response.aread())
        size, mime_type = facts.get("size"), facts.get("content_type")
        if not isinstance(size, int):
            raise FileUnavailable("Storage does not say how large the file is.")
        return StoredFacts(
            size=size,
            etag=_etag(str(facts.get("etag") or facts.get("version") or "")),
            mime_type=mime_type if isinstance(mime_type, str) else None,
        )

    @asynccontextmanager
    async def open(self, file: StoredFile) -> AsyncIterator[SupabaseStoredContent]:
        async with self._receive("authenticated", file) as response:
            yield SupabaseStoredContent(response)

    @asynccontextmanager
    async def _receive(
        self, route: str, file: StoredFile
    ) -> AsyncIterator[httpx.Response]:
        url = f"/storage/v1/object/{route}/{_path(file)}"
        begun = False
        try:
            async with self._client.receive(url) as response:
                await _demand_success(response)
                begun = True
                yield response
        except (SupabaseUnavailable, SupabaseRefused) as error:
            if not begun:
                raise StorageUnavailable from error
            # Of a file that breaks off each time, the attempts are counted.
            raise FileUnavailable("Storage broke off in the middle.") from error


class SupabaseStoredContent:
    """Implements StoredContent."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.etag = _etag(str(response.headers.get("etag", "")))

    def pieces(self) -> AsyncIterator[bytes]:
        return self._response.aiter_raw(PIECE)


def _path(file: StoredFile) -> str:
    """Never another object: a server or a proxy may fold `..` before it looks."""
    parts = [file.bucket, *file.path.split("/")]
    if "/" in file.bucket or any(part in ("", ".", "..") for part in parts):
        raise _not_found()
    try:
        return "/".join(quote(part, safe="") for part in parts)
    except UnicodeEncodeError:
        raise _not_found() from None


async def _demand_success(response: httpx.Response) -> None:
    if response.status_code == HTTPStatus.OK:
        return
    await response.aread()
    status = true_status(response)
    if status == HTTPStatus.NOT_FOUND:
        raise _not_found()
    raise FileUnavailable(f"Storage refused to give the file, with {status}.")


def _not_found() -> InvalidPayload:
    return InvalidPayload(
        "payload.storage_path names no file of that bucket: upload it first.",
        code="media_not_found",
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(body)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise FileUnavailable("Storage answered with something that is not JSON.")
    return facts


def _etag(told: str) -> str | None:
    """The same for a file, whatever a cache on the way made of it."""
    return told.removeprefix("W/").strip('"') or None
