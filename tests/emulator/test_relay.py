"""The wire that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from devstack.relay import Relay


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    """Before a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Relay.to(f"http://127.0.0.1:{port}") as relay:
        yield relay


async def _dial(relay: Relay) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = relay.url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def test_a_whole_wire_lets_everything_through(relay: Relay) -> None:
    reader, writer = await _dial(relay)

    writer.write(b"oi")
    writer.write_eof()

    assert await reader.read() == b"oi"
    writer.close()


async def test_a_cut_wire_is_silent_and_brings_what_waited_once_it_is_mended(
    relay: Relay,
) -> None:
    reader, writer = await _dial(relay)
    writer.write(b"1")
    await reader.readexactly(1)

    relay.cut()
    writer.write(b"2")
    _, late = await _dial(relay)
    late.write(b"3")
    hearing = asyncio.create_task(reader.readexactly(1))
    done, _ = await asyncio.wait({hearing}, timeout=0.05)
    assert not done
    relay.mend()

    assert await hearing == b"2"
    writer.close()
    late.close()


async def test_hanging_up_ends_every_connection(relay: Relay) -> None:
    reader, writer = await _dial(relay)
    writer.write(b"1")
    await reader.readexactly(1)

    await relay.hang_up()

    assert await reader.read() == b""
    writer.close()
