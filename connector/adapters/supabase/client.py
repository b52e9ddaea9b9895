"""One Supabase client for the process, and the only translation of its failures."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import httpx
from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions

from connector.adapters.supabase.failures import raise_what_the_status_says, translated
from connector.domain.messages import Json
from connector.errors import InputRefused, SupabaseUnavailable
from connector.patient_http import PatientClient

Row: TypeAlias = dict[str, Any]

# A batch of 500 messages is stored in well under a second; what takes longer is lost.
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
# Storage answers an upload when its own store has all of it.
UPLOAD_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0, read=120.0)
MOST_CONNECTIONS: Final = 20


class SupabaseClient:
    """Calls our RPCs with the secret key, which bypasses row-level security."""

    def __init__(
        self,
        url: str,
        secret_key: str,
        transport: httpx.AsyncBaseTransport | None = None,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        """Take `transport` from tests that answer in Supabase's place."""
        self._http = PatientClient(
            most_connections=most_connections,
            transport=transport,
            timeout=TIMEOUT,
            event_hooks={"response": [raise_what_the_status_says]},
        )
        options = AsyncClientOptions(
            auto_refresh_token=False,
            persist_session=False,
            httpx_client=self._http,
            # A repeated call is our own decision, with our own back-off.
            postgrest_client_retry=False,
        )
        self._client = AsyncClient(url, secret_key, options)
        self._url = url
        self._key_headers = {
            "apikey": secret_key,
            "Authorization": f"Bearer {secret_key}",
        }

    async def call(self, function: str, arguments: Mapping[str, Json]) -> list[Row]:
        """Call an RPC and return its rows.

        Raises LeaseLost, SupabaseUnavailable (trying again may help), InputRefused (it
        never will) or SupabaseRefused (it will once a person has acted).
        """
        try:
            response = await self._client.rpc(function, dict(arguments)).execute()
        except APIError as error:
            raise translated(error) from error
        except httpx.HTTPError as error:
            raise SupabaseUnavailable from error
        except UnicodeEncodeError as error:
            raise InputRefused from error  # halves of characters, which nobody can send
        return _rows(response.data)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """Send bytes as they come, for which the official client has no call.

        Raises SupabaseUnavailable, SupabaseRefused; the caller judges other answers.
        """
        try:
            return await self._http.request(
                method,
                f"{self._url}{path}",
                content=content,
                headers={**self._key_headers, **headers},
                timeout=UPLOAD_TIMEOUT,
            )
        except httpx.HTTPError as error:
            raise SupabaseUnavailable from error

    @asynccontextmanager
    async def receive(self, path: str) -> AsyncIterator[httpx.Response]:
        """An answer whose bytes are read as they come, and are not compressed.

        Raises SupabaseUnavailable, SupabaseRefused; the caller judges other answers.
        """
        headers = {**self._key_headers, "Accept-Encoding": "identity"}
        try:
            async with self._http.stream(
                "GET", f"{self._url}{path}", headers=headers
            ) as response:
                yield response
        except httpx.HTTPError as error:
            raise SupabaseUnavailable from error

    async def aclose(self) -> None:
        await self._http.aclose()


def _rows(data: object) -> list[Row]:
    if data is None:
        return []
    if isinstance(data, list):
        return [row if isinstance(row, dict) else {"value": row} for row in data]
    return [data if isinstance(data, dict) else {"value": data}]
