"""A request that is cancelled, at whatever moment, takes no connection with it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connector.patient_http import PatientClient

TURNS = 30  # of the event loop: about as long as a request takes
TIMEOUT = httpx.Timeout(20.0)


@contextlib.asynccontextmanager
async def answering(body: bytes = b"[]") -> AsyncIterator[str]:
    """A server, and its URL."""
    header = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(header)
                await writer.drain()
                for at in range(0, len(body), 2):
                    writer.write(body[at : at + 2])
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/"


@contextlib.asynccontextmanager
async def with_one_connection() -> AsyncIterator[PatientClient]:
    async with PatientClient(most_connections=1, timeout=TIMEOUT) as client:
        yield client


async def read(client: httpx.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url) as answer:
        return await answer.aread()


async def cancelled_after(turns: int, asking: asyncio.Task[Any]) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})


async def test_the_next_request_is_answered_whenever_one_is_cancelled() -> None:
    async with answering() as url, with_one_connection() as client:
        for turns in range(TURNS):
            for asking in (client.get(url), read(client, url)):
                await cancelled_after(turns, asyncio.create_task(asking))

            assert (await client.get(url)).content == b"[]"
            assert await read(client, url) == b"[]"


async def test_an_answer_is_read_whole() -> None:
    async with answering(b"0123456789") as url, with_one_connection() as client:
        async with client.stream("GET", url) as answer:
            pieces = [piece async for piece in answer.aiter_raw(3)]

        assert b"".join(pieces) == b"0123456789"


async def test_no_request_looks_for_a_module_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_for = []

    class Looking:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            looked_for.append(name)

    async with answering() as url, with_one_connection() as client:
        await read(client, url)  # what is imported late is imported now
        monkeypatch.setattr(sys, "meta_path", [Looking, *sys.meta_path])
        await read(client, url)

    assert looked_for == []


async def test_who_waits_for_a_connection_goes_unheard() -> None:
    asked: list[str] = []
    until_answered = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        await until_answered.wait()
        return httpx.Response(200)

    async with PatientClient(
        most_connections=1, timeout=TIMEOUT, transport=httpx.MockTransport(answer)
    ) as client:
        first = asyncio.create_task(client.get("http://s/first"))
        await cancelled_after(5, first)
        waiting = asyncio.create_task(client.get("http://s/waiting"))
        await cancelled_after(5, waiting)
        until_answered.set()
        await client.get("http://s/last")

    assert asked == ["/first", "/last"]


async def test_nobody_waits_for_a_connection_for_ever() -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        return await asyncio.Future[httpx.Response]()

    short = httpx.Timeout(20.0, pool=0.01)
    async with PatientClient(
        most_connections=1, timeout=short, transport=httpx.MockTransport(answer)
    ) as client:
        first = asyncio.create_task(client.get("http://s/first"))
        await asyncio.sleep(0)
        with pytest.raises(httpx.PoolTimeout):
            await client.get("http://s/second")
        first.cancel()
