"""Previews of links: a page's own words and its picture, from a real https server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from connector.adapters.files import previews
from tests.contract.generated import image
from tests.contract.preparing import Desk, desk
from tests.contract.web_server import HOSTS, WebServer, web_server

HTML = "Content-Type: text/html; charset=utf-8"
PAGE = """<html><head><title>Plain</title><meta property="og:title" content="Peixe">
<meta property="og:description" content="Fresco"><meta property="og:image" content="{}">
</head></html>"""


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
    resolves = {host: ["127.0.0.1"] for host in HOSTS} | {"inside.test": ["10.0.0.1"]}
    async with desk(tmp_path / "data", trusted=trusted, resolves=resolves) as here:
        yield here
        assert here.on_disk() == []


async def test_a_page_is_shown_by_its_own_words_and_picture(
    here: Desk, server: WebServer
) -> None:
    server.give("/shop/", PAGE.format("fish.png").encode(), HTML)
    server.give("/shop/fish.png", image("PNG"))

    preview = await here.files.preview(server.url("/shop/?a=b"))

    assert preview is not None
    assert (preview.url, preview.title) == (server.url("/shop/?a=b"), "Peixe")
    assert preview.description == "Fresco"
    assert preview.thumbnail is not None
    small = Image.open(io.BytesIO(preview.thumbnail))
    assert (small.format, small.size) == ("JPEG", (100, 75))


@pytest.mark.parametrize(
    "picture",
    ["https://inside.test/", "/missing", "/text", "javascript:alert(1)", "https://["],
)
async def test_without_its_picture_a_page_still_has_words(
    here: Desk, server: WebServer, picture: str
) -> None:
    server.give("/", PAGE.format(picture).encode(), HTML)
    server.give("/missing", b"", status="404 Not Found")
    server.give("/text", b"no picture")

    preview = await here.files.preview(server.url("/"))

    assert preview is not None
    assert (preview.title, preview.thumbnail) == ("Peixe", None)


async def test_what_is_no_page_has_no_preview(here: Desk, server: WebServer) -> None:
    server.give("/json", b"{}", "Content-Type: application/json")
    server.give("/untitled", b"<p>hello", HTML)
    server.give("/gone", PAGE.encode(), HTML, status="410 Gone")
    urls = [server.url(path) for path in ("/json", "/untitled", "/gone")]

    for url in (*urls, "https://inside.test/", "http://files.test/", "no url", ""):
        assert await here.files.preview(url) is None


async def test_only_the_beginning_of_a_page_is_read(
    here: Desk, server: WebServer
) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{HTML}\r\n\r\n<title>Long</title>".encode())
        while True:
            writer.write(b"<p>and so on" * 1000)
            await writer.drain()

    server.serve("/", endless)

    preview = await here.files.preview(server.url("/"))

    assert preview is not None
    assert preview.title == "Long"


async def test_a_slow_page_is_not_waited_for(
    here: Desk, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "PAGE_WITHIN", 0.3)

    async def silent(writer: asyncio.StreamWriter) -> None:
        del writer
        await asyncio.Event().wait()

    server.serve("/page", silent)
    server.serve("/picture", silent)
    server.give("/", PAGE.format("/picture").encode(), HTML)

    async with asyncio.timeout(30):
        assert await here.files.preview(server.url("/page")) is None
        preview = await here.files.preview(server.url("/"))

    assert preview is not None
    assert (preview.title, preview.thumbnail) == ("Peixe", None)
