"""Storage's answers to an upload, as what the connector does about them."""

from __future__ import annotations

import json

import httpx
import pytest

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.media import SupabaseFileStore
from connector.errors import (
    ConnectorError,
    InputRefused,
    KeyRefused,
    MediaTooLarge,
    SupabaseBusy,
    SupabaseRefused,
    SupabaseUnavailable,
)


def storage(status: int, code: str, error: str) -> httpx.Response:
    """As Storage refuses: nearly always 400, with what it means inside."""
    return httpx.Response(
        status, json={"statusCode": code, "error": error, "message": error}
    )


def store(answer: httpx.Response, asked: list[httpx.Request]) -> SupabaseFileStore:
    async def handle(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        return answer

    client = SupabaseClient("http://s", "sb_secret_x", httpx.MockTransport(handle))
    return SupabaseFileStore(client)


async def test_bytes_are_posted_as_they_are_over_what_is_there() -> None:
    asked: list[httpx.Request] = []
    files = store(httpx.Response(200, json={"Key": "k"}), asked)

    await files.put("w/s/a b.jpg", b"bytes", size=5, content_type="image/jpeg")

    (request,) = asked
    assert str(request.url) == "http://s/storage/v1/object/wa-media/w/s/a%20b.jpg"
    assert request.content == b"bytes"
    headers = request.headers
    assert (headers["x-upsert"], headers["content-type"]) == ("true", "image/jpeg")
    assert headers["content-length"] == "5"
    assert headers["apikey"] == "sb_secret_x"


async def test_files_are_removed_by_name() -> None:
    asked: list[httpx.Request] = []

    await store(httpx.Response(200, json=[]), asked).remove(["a", "b"])

    assert (asked[0].method, json.loads(asked[0].content)) == (
        "DELETE",
        {"prefixes": ["a", "b"]},
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (storage(400, "413", "Payload too large"), MediaTooLarge),
        (httpx.Response(413, text="<html>too large</html>"), MediaTooLarge),
        (storage(400, "415", "invalid_mime_type"), InputRefused),
        (storage(400, "404", "Bucket not found"), SupabaseRefused),
        (storage(400, "403", "Unauthorized"), SupabaseRefused),
        (httpx.Response(401), KeyRefused),
        (httpx.Response(429), SupabaseBusy),
        (storage(500, "500", "DatabaseError"), SupabaseUnavailable),
        (httpx.Response(502, text="bad gateway"), SupabaseUnavailable),
        (httpx.Response(302), SupabaseUnavailable),
    ],
)
async def test_a_refusal_is_told_by_who_can_change_it(
    answer: httpx.Response, error: type[ConnectorError]
) -> None:
    files = store(answer, [])

    with pytest.raises(ConnectorError) as caught:
        await files.put("a", b"x", size=1, content_type="image/png")

    assert type(caught.value) is error
