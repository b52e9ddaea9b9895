"""Files in Supabase: their rows, and the bucket they end in.

storage3 uploads forms, of a file that lies open on the disk; ours is decrypted on its way.
So the bytes are posted as they are, which Storage takes as well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows.media import FileRow, file_result
from connector.domain.media import FileResult
from connector.errors import (
    ConnectorError,
    InputRefused,
    MediaTooLarge,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import ClaimedFile, SessionId

BUCKET: Final = "wa-media"
# Signed URLs hold a file no longer than a browser's own memory of it should.
CACHE_CONTROL: Final = "max-age=3600"

# What no other attempt with this very file can change.
_FILE_AT_FAULT: Final = (HTTPStatus.UNSUPPORTED_MEDIA_TYPE,)
_BY_PERSON: Final = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)


class SupabaseFileQueue:
    """Implements FileQueue."""

    def __init__(self, client: SupabaseClient, most_bytes: int) -> None:
        self._client = client
        self._most_bytes = most_bytes

    async def claim(
        self, session_id: SessionId, term: int, limit: int, lease: timedelta
    ) -> Sequence[ClaimedFile]:
        rows = await self._client.call(
            "wa_claim_media",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_limit": limit,
                "p_lease": f"{lease.total_seconds()} seconds",
                "p_most_bytes": self._most_bytes,
            },
        )
        return [FileRow.read(row).claimed() for row in rows]

    async def finish(
        self, session_id: SessionId, term: int, results: Sequence[FileResult]
    ) -> None:
        await self._client.call(
            "wa_finish_media",
            {
                "p_session_id": session_id,
                "p_term": term,
                "p_results": [file_result(outcome) for outcome in results],
            },
        )


class SupabaseFileStore:
    """Implements FileStore."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(size),
            "Cache-Control": CACHE_CONTROL,
            "x-upsert": "true",
        }
        await self._send("POST", f"/{quote(path)}", content, headers)

    async def remove(self, paths: Sequence[str]) -> None:
        body = json.dumps({"prefixes": list(paths)}).encode()
        await self._send("DELETE", "", body, {"Content-Type": "application/json"})

    async def _send(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
    ) -> None:
        url = f"/storage/v1/object/{BUCKET}{path}"
        response = await self._client.send(method, url, content, headers)
        if response.status_code != HTTPStatus.OK:
            raise _refusal(true_status(response))


def true_status(response: httpx.Response) -> int:
    """Storage answers nearly everything with 400 and tells the true status inside."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return response.status_code
    inner = str(body.get("statusCode")) if isinstance(body, dict) else ""
    return int(inner) if inner.isdecimal() else response.status_code


def _refusal(status: int) -> ConnectorError:
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return MediaTooLarge()
    sentence = f"Storage refused a file with {status}."
    if status in _FILE_AT_FAULT:
        return InputRefused(sentence)
    if status in _BY_PERSON:
        return SupabaseRefused(sentence)
    return SupabaseUnavailable()
