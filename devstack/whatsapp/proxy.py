"""The CONNECT proxy that clients are pointed at, and the only way out they have.

WhatsApp's hosts lead to the emulated server's TLS port. Any other target is refused
and recorded: a test can prove that nothing escaped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from devstack.whatsapp.login_book import caller_of

LONGEST_REQUEST = 8192  # bytes of request line and headers
END_OF_HEADERS = b"\r\n\r\n"
WHATSAPP = "web.whatsapp.com"
WHATSAPP_MEDIA = ".whatsapp.net"


class ConnectProxy:
    """Listens on a free port of 127.0.0.1; forwards to the TLS port."""

    def __init__(self, escaped: list[str], is_refusing: Callable[[], bool]) -> None:
        self.escaped = escaped
        self.is_refusing = is_refusing
        self.tunnels: set[Tunnel] = set()
        self._callers: dict[int, str] = {}  # by the port that the TLS server sees
        self._server: asyncio.Server | None = None
        self.port = self.tls_port = 0

    async def start(self, tls_port: int) -> None:
        self.tls_port = tls_port
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Tunnel(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def caller(self, port: int) -> str:
        """Who is behind a connection that the TLS server sees come from this port."""
        return self._callers.get(port, "")

    def note_caller(self, port: int, name: str) -> None:
        self._callers[port] = name

    def forget_caller(self, port: int) -> None:
        self._callers.pop(port, None)

    async def stop(self) -> None:
        for tunnel in tuple(self.tunnels):
            tunnel.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


class Tunnel(asyncio.Protocol):
    """One client's connection; reads a CONNECT request, then only copies bytes."""

    def __init__(self, proxy: ConnectProxy) -> None:
        self._proxy = proxy
        self._request = b""
        self._dialing: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._far_end: FarEnd | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._proxy.tunnels.add(self)
        if self._proxy.is_refusing():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._far_end is not None:
            self._far_end.write(data)
            return
        self._request += data
        if len(self._request) > LONGEST_REQUEST:
            self.abort()
        elif END_OF_HEADERS in self._request and self._dialing is None:
            self._dialing = asyncio.create_task(self._dial())

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def pause_writing(self) -> None:
        if self._far_end is not None:
            self._far_end.pause_reading()

    def resume_writing(self) -> None:
        if self._far_end is not None:
            self._far_end.resume_reading()

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._proxy.tunnels.discard(self)
        if self._dialing is not None:
            self._dialing.cancel()
        if self._far_end is not None:
            self._far_end.abort()

    def close(self) -> None:
        """Hang up after what is still to be written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _dial(self) -> None:
        line = self._request.partition(b"\r\n")[0].decode("latin-1")
        if not _leads_to_whatsapp(line):
            self._proxy.escaped.append(line)
            self.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            self.close()
            return
        loop = asyncio.get_running_loop()
        caller = caller_of(self._request)
        try:
            _, self._far_end = await loop.create_connection(
                lambda: FarEnd(self, self._proxy, caller),
                "127.0.0.1",
                self._proxy.tls_port,
            )
        except OSError:  # the server is being stopped
            self.abort()
            return
        self.write(b"HTTP/1.1 200 OK\r\n\r\n")


class FarEnd(asyncio.Protocol):
    """The tunnel's connection to the TLS port."""

    def __init__(self, tunnel: Tunnel, proxy: ConnectProxy, caller: str) -> None:
        self._tunnel, self._proxy, self._caller = tunnel, proxy, caller
        self._transport: asyncio.Transport | None = None
        self._port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._port = transport.get_extra_info("sockname")[1]
        self._proxy.note_caller(self._port, self._caller)

    def data_received(self, data: bytes) -> None:
        self._tunnel.write(data)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def pause_writing(self) -> None:
        self._tunnel.pause_reading()

    def resume_writing(self) -> None:
        self._tunnel.resume_reading()

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.forget_caller(self._port)
        # An orderly end leaves what was said on its way; an abort does not wait.
        if exc is None:
            self._tunnel.close()
        else:
            self._tunnel.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _leads_to_whatsapp(request_line: str) -> bool:
    method, _, rest = request_line.partition(" ")
    host = rest.partition(" ")[0].rpartition(":")[0]
    return method == "CONNECT" and (
        host == WHATSAPP or host.endswith((WHATSAPP_MEDIA, f".{WHATSAPP}"))
    )
