"""Files from emulated media servers to a real Storage, through TLS and a proxy."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connector.errors import LeaseLost
from devstack.supabase.local import LocalSupabase
from devstack.whatsapp import WhatsApp
from devstack.whatsapp.wire.media import encrypt_media
from tests.contract.fetching import (
    LIMIT,
    MEGABYTE,
    TIMEOUT,
    InterruptedStore,
    Scene,
    scene,
)

pytestmark = [
    pytest.mark.xdist_group("media-fetch"),
    pytest.mark.usefixtures("template"),
]

LARGEST = 10 * MEGABYTE  # by the project's own setting
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"pixels" * 50


@pytest.fixture(scope="module")
async def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[WhatsApp, LocalSupabase]]:
    folder = tmp_path_factory.mktemp("media")
    async with (
        LocalSupabase.start(folder / "supabase", largest_file=LARGEST) as supabase,
        WhatsApp.start(folder / "whatsapp") as whatsapp,
    ):
        yield whatsapp, supabase


@pytest.fixture
async def here(
    servers: tuple[WhatsApp, LocalSupabase],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Scene]:
    whatsapp, supabase = servers
    whatsapp.media.requests.clear()
    whatsapp.media.sent = 0
    for name, value in whatsapp.environment.items():
        monkeypatch.setenv(name, value)
    async with scene(whatsapp, supabase, tmp_path) as here:
        yield here
    assert whatsapp.escaped == []


async def test_a_file_is_stored_as_it_was_sent(here: Scene) -> None:
    sent = await here.receives(JPEG)

    async with here.fetching():
        row = await here.settled(sent)

    place = f"{here.workspace_id}/{here.session_id}/2026/03/{sent}.jpg"
    assert (row["state"], row["error_code"]) == ("stored", None)
    assert (row["storage_path"], row["mime_type"]) == (place, "image/jpeg")
    assert row["size_bytes"] == len(JPEG)
    assert row["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert await here.objects() == {place: "image/jpeg"}
    assert await here.stored(place) == JPEG
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 15, 16, 5 * MEGABYTE + 7])
async def test_every_length_is_stored_whole(here: Scene, size: int) -> None:
    data = os.urandom(size)
    sent = await here.receives(data, "document")

    async with here.fetching():
        row = await here.settled(sent)

    assert await here.stored(row["storage_path"]) == data
    assert row["size_bytes"] == size


async def test_the_same_file_twice_is_fetched_once(here: Scene) -> None:
    media = encrypt_media(JPEG, "image")
    first = await here.receives_encrypted(media)
    second = await here.receives_encrypted(media)

    async with here.fetching() as lane:
        rows = [await here.settled(first), await here.settled(second)]
        third = await here.receives(JPEG)  # encrypted anew, as a forward may be
        lane.wake()
        rows.append(await here.settled(third))

    assert {row["state"] for row in rows} == {"stored"}
    assert len({row["storage_path"] for row in rows}) == 1
    assert here.downloads() == 1


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_what_whatsapp_has_no_more_is_expired(here: Scene, status: int) -> None:
    sent = await here.receives(JPEG)
    here.whatsapp.media.fail_next(status)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["error_code"]) == ("expired", "media_expired")
    assert here.downloads() == 1


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_a_server_in_trouble_is_asked_again(here: Scene, status: int) -> None:
    sent = await here.receives(JPEG)
    here.whatsapp.media.fail_next(status, times=2)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["error_code"], row["attempts"]) == ("stored", None, 3)


async def test_it_is_given_up_in_the_end(here: Scene) -> None:
    sent = await here.receives(JPEG)
    here.whatsapp.media.fail_next(500, times=8)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["error_code"]) == ("failed", "download_failed")
    assert (row["attempts"], here.downloads()) == (8, 8)


async def test_a_download_goes_on_where_it_was_cut_off(here: Scene) -> None:
    data = os.urandom(3 * MEGABYTE)
    sent = await here.receives(data, "video")
    here.whatsapp.media.cut_next(after=2 * MEGABYTE)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["attempts"]) == ("stored", 2)
    assert await here.stored(row["storage_path"]) == data
    assert here.whatsapp.media.sent < 4 * MEGABYTE


async def test_what_is_not_the_file_of_the_message_is_not_stored(here: Scene) -> None:
    wrong = hashlib.sha256(b"another file").digest()
    lies: list[tuple[dict[str, Any], str]] = [
        ({"enc_sha256": wrong}, "wrong_hash"),
        ({"sha256": wrong}, "wrong_hash"),
        ({"key": os.urandom(32)}, "wrong_key"),
        ({"key": b"short"}, "wrong_key"),
        ({"path": "http://127.0.0.1/x?y"}, "wrong_hash"),
        ({"path": None}, "incomplete"),
    ]
    spoilt = [
        (await here.receives(JPEG + bytes([number]), **lie), code)
        for number, (lie, code) in enumerate(lies)
    ]

    async with here.fetching():
        rows = [(await here.settled(sent), code) for sent, code in spoilt]

    for row, code in rows:
        assert (row["state"], row["error_code"]) == ("failed", code)
    assert await here.objects() == {}
    assert list(here.folder.iterdir()) == []


async def test_what_claims_to_be_too_large_is_not_even_asked_for(here: Scene) -> None:
    sent = await here.receives(JPEG, size=LIMIT + 1)
    small = await here.receives(b"small", "document")

    async with here.fetching():
        honest = await here.settled(small)
        row = await here.row(sent)

    assert (row["state"], row["error_code"]) == ("too_large", "too_large")
    assert honest["state"] == "stored"
    assert here.downloads() == 1


async def test_what_lies_about_its_size_is_not_downloaded(here: Scene) -> None:
    sent = await here.receives(bytes(LIMIT + 100), "video", size=10)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["error_code"]) == ("too_large", "too_large")
    assert await here.objects() == {}
    assert list(here.folder.iterdir()) == []


async def test_a_gigabyte_that_nobody_announced_is_cut_off_at_the_limit(
    here: Scene,
) -> None:
    path = here.whatsapp.media.put_zeros(1024 * MEGABYTE)
    sent = await here.receives(JPEG, "document", size=10, path=path)

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["error_code"]) == ("too_large", "too_large")
    assert here.whatsapp.media.sent < LIMIT + 16 * MEGABYTE  # what sockets hold
    assert list(here.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("of_bucket", "size"), [(1000, MEGABYTE), (None, 29 * MEGABYTE)]
)
async def test_what_storage_takes_for_too_large_is_too_large(
    here: Scene, of_bucket: int | None, size: int
) -> None:
    await here.limit_bucket(of_bucket)
    try:
        sent = await here.receives(os.urandom(size), "video")
        async with here.fetching():
            row = await here.settled(sent)
    finally:
        await here.limit_bucket(None)

    assert (row["state"], row["error_code"]) == ("too_large", "too_large")
    assert await here.objects() == {}


@pytest.mark.parametrize(
    "page",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"\xef\xbb\xbf<?xml version='1.0'?><html xmlns='x'/>",
        b"MZ\x90\x00" + bytes(300),
    ],
)
async def test_what_could_run_in_a_browser_is_kept_as_octets(
    here: Scene, page: bytes
) -> None:
    sent = await here.receives(page, "document")

    async with here.fetching():
        row = await here.settled(sent)

    assert row["storage_path"].endswith(f"{sent}.bin")
    assert await here.objects() == {row["storage_path"]: "application/octet-stream"}


async def test_supabase_leaving_in_mid_upload_costs_no_second_download(
    here: Scene,
) -> None:
    here.chance = 0.05
    here.store = store = InterruptedStore(here.client)
    data = os.urandom(2 * MEGABYTE)
    sent = await here.receives(data, "video")

    async with here.fetching():
        async with asyncio.timeout(TIMEOUT):
            await store.in_the_middle.wait()
        await here.supabase.gateway.kill()
        store.go_on.set()
        await here.supabase.gateway.start()
        row = await here.settled(sent)

    assert (row["state"], row["attempts"]) == ("stored", 1)
    assert await here.stored(row["storage_path"]) == data
    assert here.downloads() == 1


async def test_a_connector_stopped_in_mid_upload_costs_no_second_download(
    here: Scene,
) -> None:
    here.store = store = InterruptedStore(here.client)
    data = os.urandom(2 * MEGABYTE)
    sent = await here.receives(data, "video")

    async with here.fetching():
        async with asyncio.timeout(TIMEOUT):
            await store.in_the_middle.wait()
    (left,) = here.folder.iterdir()
    assert data[:1000] not in left.read_bytes()  # only ciphertext is on our disk
    store.go_on.set()
    async with here.fetching():
        row = await here.settled(sent)

    assert await here.stored(row["storage_path"]) == data
    assert (row["attempts"], here.downloads()) == (1, 1)


async def test_a_leftover_that_is_damaged_is_downloaded_again(here: Scene) -> None:
    sent = await here.receives(JPEG)
    here.folder.mkdir(parents=True)
    (here.folder / sent).write_bytes(b"half of something")

    async with here.fetching():
        row = await here.settled(sent)

    assert row["state"] == "stored"
    assert await here.stored(row["storage_path"]) == JPEG


async def test_a_part_longer_than_the_file_is_thrown_away(here: Scene) -> None:
    sent = await here.receives(JPEG)
    here.folder.mkdir(parents=True)
    (here.folder / f"{sent}.part").write_bytes(bytes(10_000))

    async with here.fetching():
        row = await here.settled(sent)

    assert (row["state"], row["attempts"]) == ("stored", 2)


async def test_a_stale_term_stores_nothing(here: Scene) -> None:
    sent = await here.receives(JPEG)
    here.term -= 1

    async with here.fetching() as lane:
        with pytest.raises(LeaseLost):
            await lane.running

    assert (await here.row(sent))["state"] == "pending"
    assert await here.objects() == {}
