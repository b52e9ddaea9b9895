"""An HTTP client whose requests are never cut off in the middle.

httpcore (1.0.9) loses a connection of its pool for good when asyncio cancels a request at
the wrong moment: while it is given a connection, or gives one back. Once all are lost every
request waits in vain, until the process ends. So whoever is cancelled only lets go: the
request goes on without anybody, and ends by itself, by httpx's own timeouts.

Who waits for a connection waits here, not in the pool: that can be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import os
import ssl
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, TypeVar

import httpx

Result = TypeVar("Result")

# httpcore asks for it twice a request, and Python looks through all its folders each time
# for what is not there: a fifth of a millisecond. What is None here it need not look for.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # Python's own convention

_TRUST: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # what httpx asks the environment for


def trust() -> ssl.SSLContext:
    """Whom this machine trusts. Reading it takes 20 ms: once for all clients."""
    return _trust(*map(os.environ.get, _TRUST))


@functools.cache
def _trust(*_named: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


class PatientClient(httpx.AsyncClient):
    def __init__(
        self, *, most_connections: int, timeout: httpx.Timeout, **options: Any
    ) -> None:
        """Everything else is httpx's own."""
        limits = httpx.Limits(max_connections=most_connections)
        super().__init__(verify=trust(), limits=limits, timeout=timeout, **options)
        self._patience = timeout.pool
        self._places = asyncio.Semaphore(most_connections)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def send(
        self, request: httpx.Request, *, stream: bool = False, **options: Any
    ) -> httpx.Response:
        await self._come_in(request)
        sending = self.begin(self._send(request, options, stream=stream))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            if stream:
                self.begin(_closed(sending))
            raise

    async def aclose(self) -> None:
        """End what is still under way, too."""
        for task in self._under_way:
            task.cancel()
        await super().aclose()

    def begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def leave(self) -> None:
        self._places.release()

    async def _come_in(self, request: httpx.Request) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("no connection is free", request=request) from error

    async def _send(
        self, request: httpx.Request, options: dict[str, Any], *, stream: bool
    ) -> httpx.Response:
        """The place is left at the end, or when the answer's body is closed."""
        with contextlib.ExitStack() as until_left:
            until_left.callback(self.leave)
            response = await super().send(request, stream=stream, **options)
            if stream and isinstance(response.stream, httpx.AsyncByteStream):
                response.stream = _Body(response.stream, self)
                until_left.pop_all()
            return response


class _Body(httpx.AsyncByteStream):
    """An answer's body, read piece by piece."""

    def __init__(self, stream: httpx.AsyncByteStream, client: PatientClient) -> None:
        self._stream = stream
        self._client = client
        self._reading: asyncio.Task[bytes | None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._stream)
        while True:
            self._reading = self._client.begin(_next(pieces))
            piece = await asyncio.shield(self._reading)
            if piece is None:
                return
            yield piece

    async def aclose(self) -> None:
        """At once; a piece that nobody waits for any more may hold the place longer."""
        reading = self._reading
        if self._closing is None:
            self._closing = self._client.begin(self._close())
        if reading is None or reading.done():
            await asyncio.shield(self._closing)

    async def _close(self) -> None:
        try:
            if self._reading is not None:
                await asyncio.wait({self._reading})
            await self._stream.aclose()
        finally:
            self._client.leave()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _closed(sending: asyncio.Task[httpx.Response]) -> None:
    with contextlib.suppress(Exception):
        await (await sending).aclose()
