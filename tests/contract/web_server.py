"""A real https server whose certificate the process trusts, and whose manners vary."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from devstack.whatsapp.wire import tls

HOSTS = ("files.test", "pages.test")
Answer: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


class WebServer:
    """Answers what it was told to; remembers what it was asked."""

    def __init__(self, ca_bundle: Path) -> None:
        self.ca_bundle = ca_bundle
        self.port = 0
        self.requests: list[bytes] = []
        self._answers: dict[str, Answer] = {}

    def url(self, path: str, host: str = HOSTS[0]) -> str:
        return f"https://{host}:{self.port}{path}"

    def serve(self, path: str, answer: Answer) -> None:
        self._answers[path] = answer

    def give(
        self, path: str, body: bytes, *headers: str, status: str = "200 OK"
    ) -> None:
        """`headers` as `Name: value`."""
        lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers)
        head = "\r\n".join((*lines, "", "")).encode()

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(head + body)

        self.serve(path, answer)

    async def handle(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Whoever is refused hangs up at once.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            path = request.split(b" ")[1].decode()
            await self._answers[path.partition("?")[0]](writer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@asynccontextmanager
async def web_server(
    folder: Path, address: str = "127.0.0.1"
) -> AsyncIterator[WebServer]:
    issued = tls.issue(folder, HOSTS)
    server = WebServer(issued.ca_bundle)
    listening = await asyncio.start_server(
        server.handle, address, 0, ssl=issued.context
    )
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
