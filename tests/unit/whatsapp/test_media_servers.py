from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from connector.adapters.whatsapp.media.servers import (
    LARGEST_PICTURE,
    MediaServers,
    file_url,
)
from connector.errors import FetchFailed, MediaCorrupt, MediaExpired, MediaTooLarge

JPEG = bytes.fromhex("ffd8ffe000104a464946") + bytes(100)
PICTURE = "https://pps.whatsapp.net/v/t61/1.jpg?oe=1"

Answer = Callable[[httpx.Request], httpx.Response]


def servers(answer: Answer) -> MediaServers:
    return MediaServers(httpx.MockTransport(answer))


def test_a_file_is_asked_for_as_whatsapps_own_clients_do() -> None:
    url = file_url(
        "/v/t62.7118-24/12_n.enc?ccb=11-4&oe=69", "sticker", b"\xfb\xff" * 16
    )

    assert str(url) == (
        "https://mmg.whatsapp.net/v/t62.7118-24/12_n.enc?ccb=11-4&oe=69"
        "&hash=-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8=&mms-type=image&__wa-mms="
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v/no-slash?x=1",
        "@evil.example/?x=1",
        ".evil.example/?x=1",
        ":8443/?x=1",
        "https://evil.example/?x=1",
        "/a b?x=1",
        "/a\r\nHost: evil.example\r\n?x=1",
        "/é?x=1",
        "/" + "x" * 3000,
    ],
)
def test_no_path_leads_to_another_host(path: str) -> None:
    with pytest.raises(MediaCorrupt):
        file_url(path, "image", bytes(32))


@pytest.mark.parametrize("path", ["//evil.example/?x=1", "/../../?x=1", "/\\evil?x=1"])
def test_odd_paths_stay_with_the_host(path: str) -> None:
    assert file_url(path, "image", bytes(32)).host == "mmg.whatsapp.net"


async def test_a_picture_is_fetched() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=JPEG)

    assert await servers(answer).fetch(PICTURE) == JPEG
    assert asked == [httpx.URL(PICTURE)]


@pytest.mark.parametrize(
    "url",
    [
        "http://pps.whatsapp.net/1.jpg",
        "https://evil.example/1.jpg",
        "https://whatsapp.net.evil.example/1.jpg",
        "https://evilwhatsapp.net/1.jpg",
        "https://pps.whatsapp.net:22/1.jpg",
        "https://a:b@pps.whatsapp.net/1.jpg",
        "https://127.0.0.1/1.jpg",
        "file:///etc/passwd",
        "no url at all",
        "https://[::1",
        "",
    ],
)
async def test_a_picture_comes_from_whatsapps_hosts_only(url: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise AssertionError("nobody may be asked")

    with pytest.raises(MediaCorrupt):
        await servers(answer).fetch(url)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, content=b"<svg/>"), MediaCorrupt),
        (httpx.Response(200, content=JPEG + bytes(LARGEST_PICTURE)), MediaTooLarge),
        (
            httpx.Response(302, headers={"location": "https://evil.example"}),
            FetchFailed,
        ),
        (httpx.Response(404), MediaExpired),
        (httpx.Response(500), FetchFailed),
    ],
)
async def test_what_is_no_picture_is_refused(
    answer: httpx.Response, error: type[FetchFailed]
) -> None:
    with pytest.raises(error):
        await servers(lambda _request: answer).fetch(PICTURE)


async def test_a_broken_connection_is_a_failure_of_ours() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    with pytest.raises(FetchFailed):
        await servers(answer).fetch(PICTURE)
    with pytest.raises(FetchFailed):
        async with servers(answer).download("/v?x=1", "image", bytes(32), offset=0):
            pass
