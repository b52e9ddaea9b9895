"""A wire to a server, which can be cut: what a connector sees of a network that is split.

A cut wire is silent, not closed: nobody is told, as when a router dies. What was said
before or meanwhile waits on either side, as TCP's repetitions would bring it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self
from urllib.parse import urlsplit

CHUNK: Final = 65_536  # bytes in hand, each way of each connection
HOST: Final = "127.0.0.1"


class Relay:
    """Listens on a free port of 127.0.0.1 and copies bytes both ways."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._whole = asyncio.Event()
        self._whole.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[Self]:
        """Lay a wire to http://host:port."""
        relay = cls(url)
        relay._server = await asyncio.start_server(relay._take, HOST, 0)
        try:
            yield relay
        finally:
            relay._server.close()
            await relay.hang_up()

    @property
    def url(self) -> str:
        """What to give the connector instead of the server's own."""
        if self._server is None:
            raise RuntimeError("the relay does not listen")
        port = self._server.sockets[0].getsockname()[1]
        return f"{self._target.scheme}://{HOST}:{port}"

    def cut(self) -> None:
        """Let nothing through from now on, in either direction; end nothing."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again, and first what has been waiting."""
        self._whole.set()

    async def hang_up(self) -> None:
        """End every connection, as a router that has forgotten them."""
        connections = tuple(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await self._whole.wait()
            far_reader, far_writer = await asyncio.open_connection(
                self._target.hostname, self._target.port
            )
        except OSError:
            writer.transport.abort()
            return
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(self._copy(reader, far_writer))
                both_ways.create_task(self._copy(far_reader, writer))
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):  # whoever hung up is gone for both
            while data := await reader.read(CHUNK):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()
            if writer.can_write_eof():
                writer.write_eof()
