"""The Supabase client, with its answers timed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from connector.adapters.supabase.client import MOST_CONNECTIONS, Row, SupabaseClient
from connector.adapters.supabase.media import true_status
from connector.domain.messages import Json
from connector.errors import SupabaseUnavailable
from connector.metrics import OK, outcome_of

# It may be away, and it may refuse our key: whoever asked last has said which.
NOT_ASKED: Final = "Not asked: what others asked just before was in vain."


class MeasuredClient(SupabaseClient):
    def __init__(
        self,
        url: str,
        secret_key: str,
        told: Callable[[str, str, float], None],
        may_ask: Callable[[str], bool] = lambda _: True,
        transport: httpx.AsyncBaseTransport | None = None,
        most_connections: int = MOST_CONNECTIONS,
    ) -> None:
        """`told(call, outcome, seconds)` hears of every request: an RPC's name, or storage's.

        `may_ask` spares RPCs that would be in vain.
        """
        super().__init__(url, secret_key, transport, most_connections)
        self._told = told
        self._may_ask = may_ask

    async def call(self, function: str, arguments: Mapping[str, Json]) -> list[Row]:
        if not self._may_ask(function):
            raise SupabaseUnavailable(NOT_ASKED)
        with self._timed(function):
            return await super().call(function, arguments)

    async def send(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        with self._timed("storage_write") as outcome:
            response = await super().send(method, path, content, headers)
            outcome.status = true_status(response)
            return response

    @asynccontextmanager
    async def receive(self, path: str) -> AsyncIterator[httpx.Response]:
        with self._timed("storage_read") as outcome:
            async with super().receive(path) as response:
                outcome.status = response.status_code
                yield response

    @contextmanager
    def _timed(self, call: str) -> Iterator[_Outcome]:
        began, outcome = time.perf_counter(), _Outcome()
        try:
            yield outcome
        except BaseException as error:
            outcome.error = outcome_of(error)
            raise
        finally:
            self._told(call, outcome.label, time.perf_counter() - began)


@dataclass(slots=True)
class _Outcome:
    status: int = HTTPStatus.OK  # of an answer that is judged later
    error: str | None = None

    @property
    def label(self) -> str:
        if self.error is None and self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return SupabaseUnavailable.code
        return self.error or OK
