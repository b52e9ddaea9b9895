"""Storage's answers about files to be sent, as what the connector does about them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.stored_files import SupabaseStoredFiles
from connector.domain.outgoing import StoredFile
from connector.errors import (
    ConnectorError,
    FileUnavailable,
    InvalidPayload,
    StorageUnavailable,
)

PHOTO = StoredFile(bucket="wa-media", path="w/s/a b&c?.jpg")
KNOWN = {"size": 5, "etag": '"abc"', "content_type": "image/jpeg", "version": "v"}


AWAY = (401, 402, 403, 408, 429, 503, 540)


async def streamed() -> AsyncIterator[bytes]:
    yield b"by"
    yield b"tes"


def files(
    answer: httpx.Response, asked: list[httpx.Request] | None = None
) -> SupabaseStoredFiles:
    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return answer

    client = SupabaseClient("http://s", "sb_secret_x", httpx.MockTransport(handle))
    return SupabaseStoredFiles(client)


async def test_size_type_and_version_are_known_before_the_bytes() -> None:
    asked: list[httpx.Request] = []

    facts = await files(httpx.Response(200, json=KNOWN), asked).stat(PHOTO)

    assert (facts.size, facts.etag, facts.mime_type) == (5, "abc", "image/jpeg")
    place = "http://s/storage/v1/object/info/wa-media/w/s/a%20b%26c%3F.jpg"
    assert str(asked[0].url) == place
    assert asked[0].headers["apikey"] == "sb_secret_x"


async def test_the_bytes_come_as_they_are_with_their_version() -> None:
    asked: list[httpx.Request] = []
    answer = httpx.Response(200, content=streamed(), headers={"etag": 'W/"abc"'})

    async with files(answer, asked).open(PHOTO) as content:
        data = b"".join([piece async for piece in content.pieces()])

    assert (data, content.etag) == (b"bytes", "abc")
    assert asked[0].url.path.startswith("/storage/v1/object/authenticated/wa-media/")
    assert asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("bucket", "path"),
    [
        ("wa-media", "../secrets/key.pem"),
        ("wa-media", "a/../../secrets/key.pem"),
        ("wa-media", "./a"),
        ("wa-media", "a//b"),
        ("wa-media", "/a"),
        ("wa-media", ""),
        ("wa-media/../secrets", "a"),
        ("..", "a"),
        ("wa-media", "half of a pair \ud83d"),
    ],
)
async def test_a_path_never_leads_out_of_its_bucket(bucket: str, path: str) -> None:
    asked: list[httpx.Request] = []

    with pytest.raises(InvalidPayload) as caught:
        await files(httpx.Response(200, json=KNOWN), asked).stat(
            StoredFile(bucket=bucket, path=path)
        )

    assert caught.value.reason == "media_not_found"
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"statusCode": "404"}), InvalidPayload),
        (httpx.Response(404, json={"statusCode": "404"}), InvalidPayload),
        (httpx.Response(400, json={"statusCode": "400"}), FileUnavailable),
        (httpx.Response(500, json={"statusCode": "500"}), FileUnavailable),
        *((httpx.Response(status), StorageUnavailable) for status in AWAY),
        (httpx.Response(200, text="<html>"), FileUnavailable),
        (httpx.Response(200, text=json.dumps({"size": None})), FileUnavailable),
    ],
)
async def test_a_refusal_is_told_by_whether_waiting_helps(
    answer: httpx.Response, error: type[ConnectorError]
) -> None:
    with pytest.raises(ConnectorError) as caught:
        await files(answer).stat(PHOTO)

    assert type(caught.value) is error


async def test_a_file_that_breaks_off_is_at_fault_itself() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"by"
        raise httpx.ReadError("gone")

    answer = httpx.Response(200, content=broken())

    with pytest.raises(FileUnavailable) as caught:
        async with files(answer).open(PHOTO) as content:
            [piece async for piece in content.pieces()]

    assert type(caught.value) is FileUnavailable
