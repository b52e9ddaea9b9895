"""The Supabase client, with its answers timed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx

from connector.adapters.supabase.client import Row, SupabaseClient
from connector.domain.messages import Json
from connector.metrics import OK, outcome_of


class MeasuredClient(SupabaseClient):
    def __init__(
        self,
        url: str,
        secret_key: str,
        told: Callable[[str, str, float], None],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`told(call, outcome, seconds)` hears of every request: an RPC's name, or storage's."""
        super().__init__(url, secret_key, transport)
        self._told = told

    async def call(self, function: str, arguments: Mapping[str, Json]) -> list[Row]:
        with self._timed(function):
            return await super().call(function, arguments)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        with self._timed("storage_write"):
            return await super().send(method, path, content, headers)

    @asynccontextmanager
    async def receive(self, path: str) -> AsyncIterator[httpx.Response]:
        with self._timed("storage_read"):
            async with super().receive(path) as response:
                yield response

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        began, outcome = time.perf_counter(), OK
        try:
            yield
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._told(call, outcome, time.perf_counter() - began)
