from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from devstack.whatsapp.proxy import ConnectProxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[ConnectProxy]:
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        proxy = ConnectProxy(escaped=[], is_refusing=lambda: False)
        await proxy.start(server.sockets[0].getsockname()[1])
        yield proxy
        await proxy.stop()


async def connect(
    proxy: ConnectProxy, target: str
) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    return answer.split(b" ")[1], reader, writer


@pytest.mark.parametrize(
    "target", ["web.whatsapp.com:443", "mmg.whatsapp.net:443", "pps.whatsapp.net:443"]
)
async def test_whatsapps_hosts_lead_to_the_emulator(
    proxy: ConnectProxy, target: str
) -> None:
    status, reader, writer = await connect(proxy, target)

    writer.write(b"oi")

    assert (status, await reader.readexactly(2)) == (b"200", b"oi")
    assert proxy.escaped == []
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "target", ["example.com:443", "whatsapp.com.example.com:443", "notwhatsapp.net:443"]
)
async def test_everything_else_is_refused_and_recorded(
    proxy: ConnectProxy, target: str
) -> None:
    status, reader, writer = await connect(proxy, target)

    assert (status, await reader.read()) == (b"403", b"")
    assert proxy.escaped == [f"CONNECT {target} HTTP/1.1"]
    writer.close()
    await writer.wait_closed()


async def test_an_unreachable_server_answers_nobody(proxy: ConnectProxy) -> None:
    proxy.is_refusing = lambda: True

    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_stopping_cuts_those_who_are_connected(proxy: ConnectProxy) -> None:
    _, reader, writer = await connect(proxy, "web.whatsapp.com:443")

    await proxy.stop()

    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
