"""Files from a real https server: what is followed, what is refused, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connector.adapters.files import sources, web
from connector.domain.outgoing import FileFacts, MediaKind
from connector.errors import ConnectorError, FileUnavailable, InvalidPayload
from connector.ports import UrlFile
from tests.contract.preparing import LIMIT, MEGABYTE, Desk, Sent, desk
from tests.contract.web_server import HOSTS, WebServer, web_server

PDF = b"%PDF-1.7\nhello"
# Whatever waits longer in these tests is stuck.
PATIENCE_SECONDS = 60.0
HERE = {host: ["127.0.0.1"] for host in HOSTS}


@pytest.fixture
async def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WebServer]:
    async with web_server(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_bundle))
        yield server


@pytest.fixture
async def here(server: WebServer, tmp_path: Path) -> AsyncIterator[Desk]:
    trusted = [f"{host}:{server.port}" for host in HOSTS]
    async with desk(tmp_path / "data", trusted=trusted, resolves=HERE) as here:
        yield here
        assert here.on_disk() == []


async def fetched(here: Desk, url: str) -> Sent:
    return await here.sent(UrlFile(url=url), MediaKind.DOCUMENT)


async def refused(here: Desk, url: str) -> str:
    """The code of a refusal for good; the sentence holds nothing of the URL."""
    with pytest.raises(InvalidPayload) as caught:
        await fetched(here, url)
    assert "test" not in str(caught.value)
    return caught.value.reason


async def test_a_file_comes_as_it_is_served(here: Desk, server: WebServer) -> None:
    data = bytes(range(256)) * 4 * 4096
    server.give("/a/r%20t.xyz", data, "Content-Type: text/csv; charset=utf-8")

    sent = await fetched(here, server.url("/a/r%20t.xyz?token=secret#part"))

    assert sent.data == data
    assert sent.facts == FileFacts(mime_type="text/csv", file_name="r t.xyz")
    assert sent.version is None


async def test_nothing_of_ours_goes_there(
    here: Desk, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    server.give("/first", PDF, "Set-Cookie: seen=1")

    await fetched(here, server.url("/first"))
    await fetched(here, server.url("/first"))

    names = {
        line.partition(b":")[0].lower()
        for request in server.requests
        for line in request.split(b"\r\n")[1:]
        if line
    }
    assert names == {
        b"host",
        b"user-agent",
        b"accept",
        b"accept-encoding",
        b"connection",
    }
    assert all(b"Accept-Encoding: identity" in each for each in server.requests)


async def test_the_server_may_name_the_file(here: Desk, server: WebServer) -> None:
    named = "Content-Disposition: attachment; filename*=UTF-8''..%2Frelat%C3%B3rio.pdf"
    server.give("/d", PDF, named)

    sent = await fetched(here, server.url("/d"))

    assert sent.facts.file_name == "relatório.pdf"


def redirect(server: WebServer, path: str, to: str) -> None:
    server.give(path, b"", f"Location: {to}", status="302 Found")


async def test_three_redirects_are_followed_and_no_more(
    here: Desk, server: WebServer
) -> None:
    redirect(server, "/4", server.url("/3", HOSTS[1]))
    redirect(server, "/3", "/2")
    redirect(server, "/2", "1")
    redirect(server, "/1", "/file")
    server.give("/file", PDF)

    assert (await fetched(here, server.url("/3"))).data == PDF
    assert await refused(here, server.url("/4")) == "url_not_allowed"


@pytest.mark.parametrize(
    "to",
    [
        "http://files.test/",
        "https://files.test:1/",
        "https://user:word@files.test/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://inside.test/",
        "file:///etc/passwd",
    ],
)
async def test_a_redirect_is_refused_like_a_url(
    server: WebServer, tmp_path: Path, to: str
) -> None:
    redirect(server, "/out", to)
    resolves = {
        **HERE,
        "inside.test": ["10.0.0.1"],
        **{each: [each] for each in ("169.254.169.254", "::ffff:127.0.0.1")},
    }
    trusted = [f"{HOSTS[0]}:{server.port}"]
    async with desk(tmp_path, trusted=trusted, resolves=resolves) as here:
        assert await refused(here, server.url("/out")) == "url_not_allowed"
    assert len(server.requests) == 1


async def test_a_server_of_ours_is_not_reached_unless_it_is_trusted(
    server: WebServer, tmp_path: Path
) -> None:
    """By its name, its address, and what else means it."""
    server.give("/", PDF)
    hosts = ["files.test", "127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "2130706433"]
    resolves = {host.strip("[]"): ["127.0.0.1"] for host in hosts}
    async with desk(tmp_path, resolves=resolves) as here:
        for host in hosts:
            assert await refused(here, f"https://{host}/") == "url_not_allowed"
            assert await refused(here, server.url("/", host)) == "url_not_allowed"
    assert server.requests == []


async def test_a_name_is_resolved_by_us_and_only_once_a_connection(
    server: WebServer, tmp_path: Path
) -> None:
    """Nobody else could resolve it; a second answer would lead nowhere."""
    server.give("/a", PDF)
    addresses = iter(["127.0.0.1", "127.0.0.9"])

    async def rebinding(*_: object) -> list[str]:
        return [next(addresses)]

    async with desk(tmp_path, trusted=["files.test"]) as here:
        here.files._web._resolve = rebinding
        assert (await fetched(here, server.url("/a"))).data == PDF
        with pytest.raises(FileUnavailable):
            await fetched(here, server.url("/a"))
    assert len(server.requests) == 1


async def test_the_certificate_must_be_for_the_name(
    server: WebServer, tmp_path: Path
) -> None:
    server.give("/", PDF)
    resolves = {"other.test": ["127.0.0.1"]}
    async with desk(tmp_path, trusted=["other.test"], resolves=resolves) as here:
        with pytest.raises(FileUnavailable, match="certificate"):
            await fetched(here, server.url("/", "other.test"))
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *(
            (f"{status} No", InvalidPayload)
            for status in (400, 401, 403, 404, 410, 206)
        ),
        *((f"{status} Later", FileUnavailable) for status in (408, 429, 500, 502, 503)),
    ],
)
async def test_a_refusal_is_told_from_trouble(
    here: Desk, server: WebServer, status: str, error: type[ConnectorError]
) -> None:
    server.give("/", PDF, status=status)

    with pytest.raises(error) as caught:
        await fetched(here, server.url("/"))

    if isinstance(caught.value, InvalidPayload):
        assert caught.value.reason == "url_not_found"


async def test_what_was_not_asked_for_compressed_is_not_unpacked(
    here: Desk, server: WebServer
) -> None:
    server.give("/", PDF, "Content-Encoding: gzip")

    assert await refused(here, server.url("/")) == "url_not_allowed"


async def chunked(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in pieces:
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")


async def test_the_limit_holds_whatever_is_announced(
    here: Desk, server: WebServer
) -> None:
    sent = []

    async def endless(writer: asyncio.StreamWriter) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(10 * LIMIT // 65_536):
                sent.append(65_536)
                yield bytes(65_536)

        await chunked(writer, pieces())

    async def announced(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))

    server.serve("/endless", endless)
    server.serve("/announced", announced)

    assert await refused(here, server.url("/announced")) == "media_too_large"
    assert await refused(here, server.url("/endless")) == "media_too_large"
    assert sum(sent) < 3 * LIMIT


async def test_what_is_cut_off_is_not_sent(here: Desk, server: WebServer) -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf")

    server.serve("/", cut)

    with pytest.raises(FileUnavailable, match="broke off"):
        await fetched(here, server.url("/"))


async def test_crumbs_are_not_eaten_for_ever(here: Desk, server: WebServer) -> None:
    async def crumbs(writer: asyncio.StreamWriter) -> None:
        await chunked(writer, (b"x" for _ in range(web.MANY_PIECES * 20)))

    server.serve("/", crumbs)

    with pytest.raises(FileUnavailable, match="crumbs"):
        await fetched(here, server.url("/"))


@pytest.mark.parametrize("manner", ["silent", "no headers", "drip"])
async def test_a_slow_server_is_left(
    here: Desk, server: WebServer, monkeypatch: pytest.MonkeyPatch, manner: str
) -> None:
    monkeypatch.setattr(sources, "URL_WITHIN", 0.5)
    asked, left = asyncio.Event(), asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        asked.set()
        try:
            if manner == "drip":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while manner != "silent":
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
            await asyncio.Event().wait()
        finally:
            left.set()

    server.serve("/", drip)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(FileUnavailable, match="slow"):
            await fetched(here, server.url("/"))
        # On a busy machine the time may be up before anybody was asked.
        if manner != "silent" and asked.is_set():
            await left.wait()  # it was hung up on


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000]
)
async def test_a_server_that_speaks_no_http_is_trouble(
    here: Desk, server: WebServer, said: bytes
) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    server.serve("/", answer)

    with pytest.raises(FileUnavailable):
        await fetched(here, server.url("/"))


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def cancelled_after(turns: int, fetching: asyncio.Task[Sent]) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    fetching.cancel()
    await asyncio.wait({fetching})


async def test_whoever_is_cancelled_leaves_no_connection(
    here: Desk, server: WebServer
) -> None:
    """At each turn: while it resolves, connects, shakes hands, asks, reads."""
    server.give("/", PDF * 10_000)
    await fetched(here, server.url("/"))
    before = descriptors()

    for turns in range(80):
        asking = asyncio.create_task(fetched(here, server.url("/")))
        await cancelled_after(turns, asking)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while descriptors() > before:  # noqa: ASYNC110 - servers hear of it when they do
            await asyncio.sleep(0.01)


async def test_a_server_that_never_shakes_hands_keeps_no_connection(
    tmp_path: Path,
) -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        asked.set()
        await reader.read()
        hung_up.set()
        writer.close()

    async with (
        await asyncio.start_server(mute, "127.0.0.1", 0) as server,
        desk(tmp_path, trusted=[HOSTS[0]], resolves=HERE) as here,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        port = server.sockets[0].getsockname()[1]
        asking = asyncio.create_task(fetched(here, f"https://{HOSTS[0]}:{port}/"))
        await asked.wait()
        asking.cancel()
        await hung_up.wait()


async def test_nobody_listening_is_trouble(tmp_path: Path) -> None:
    async with desk(tmp_path, trusted=["files.test"], resolves=HERE) as here:
        with pytest.raises(FileUnavailable):
            await fetched(here, "https://files.test:9/")


async def test_a_large_file_comes_in_pieces(here: Desk, server: WebServer) -> None:
    async def large(writer: asyncio.StreamWriter) -> None:
        await chunked(writer, (bytes(MEGABYTE) for _ in range(7)))

    server.serve("/", large)

    assert (await fetched(here, server.url("/"))).data == bytes(7 * MEGABYTE)
