"""Files to be sent, from a real Storage onto our disk; and what is left on it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from supabase import AsyncClient

from connector.adapters.files.scratch import ScratchFolder
from connector.domain.outgoing import FileFacts, MediaKind, StoredFile
from connector.errors import FileUnavailable, InvalidPayload
from connector.ports import InlineFile
from tests.contract.generated import SOUNDS, VOICE_NOTE, sound
from tests.contract.preparing import (
    LIMIT,
    MEGABYTE,
    SESSION,
    UNKNOWN,
    Desk,
    desk,
    read,
)
from tests.contract.project import Supabase

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 30


@pytest.fixture
async def bucket(service: AsyncClient) -> AsyncIterator[str]:
    name = f"papers-{uuid.uuid4().hex[:12]}"
    await service.storage.create_bucket(name)
    yield name
    await service.storage.empty_bucket(name)
    await service.storage.delete_bucket(name)


@pytest.fixture
async def here(supabase: Supabase, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path, (supabase.url, supabase.secret_key)) as here:
        yield here


async def put(
    service: AsyncClient, bucket: str, path: str, data: bytes, mime_type: str
) -> StoredFile:
    options = {"content-type": mime_type, "upsert": "true"}
    await service.storage.from_(bucket).upload(path, data, options)  # type: ignore[arg-type]
    return StoredFile(bucket=bucket, path=path)


async def test_a_document_leaves_as_it_is_stored(
    here: Desk, service: AsyncClient, bucket: str
) -> None:
    data = os.urandom(3 * MEGABYTE + 7)
    stored = await put(service, bucket, "7/report 1&2.xyz", data, "application/x-own")

    sent = await here.sent(stored, MediaKind.DOCUMENT)

    assert sent.data == data
    assert sent.facts == FileFacts(
        mime_type="application/x-own", file_name="report 1&2.xyz"
    )
    assert here.on_disk() == []


async def test_a_version_names_bytes_and_what_they_are_sent_as(
    here: Desk, service: AsyncClient, bucket: str
) -> None:
    stored = await put(service, bucket, "a.bin", b"first", "text/plain")
    version = await here.files.version(stored, MediaKind.DOCUMENT)
    as_voice = await here.files.version(stored, MediaKind.VOICE)
    sent = await here.sent(stored, MediaKind.DOCUMENT)
    await put(service, bucket, "a.bin", b"second", "text/plain")

    assert version is not None
    assert sent.version == version
    assert (
        len({version, as_voice, await here.files.version(stored, MediaKind.DOCUMENT)})
        == 3
    )


async def test_what_is_not_there_or_too_large_is_said_before_it_is_fetched(
    here: Desk, service: AsyncClient, bucket: str
) -> None:
    large = await put(service, bucket, "large", bytes(LIMIT + 1), "text/plain")
    cases = {
        "media_not_found": [
            StoredFile(bucket=bucket, path="nothing"),
            StoredFile(bucket="no-such-bucket", path="nothing"),
            StoredFile(bucket="wa-media", path=f"../{bucket}/large"),
        ],
        "media_too_large": [large],
    }
    for code, sources in cases.items():
        for source in sources:
            for asked in (
                here.files.version(source, MediaKind.DOCUMENT),
                here.sent(source, MediaKind.DOCUMENT),
            ):
                with pytest.raises(InvalidPayload) as caught:
                    await asked
                assert caught.value.reason == code


async def test_storage_being_away_is_waited_for(tmp_path: Path) -> None:
    stored = StoredFile(bucket="b", path="p")
    async with desk(tmp_path) as here:
        with pytest.raises(FileUnavailable):
            await here.files.version(stored, MediaKind.IMAGE)
        with pytest.raises(FileUnavailable):
            await here.sent(stored, MediaKind.IMAGE)


async def test_no_file_is_ever_held_whole(
    here: Desk, service: AsyncClient, bucket: str
) -> None:
    stored = await put(service, bucket, "film", os.urandom(LIMIT), "video/mp4")
    tracemalloc.start()
    try:
        async with here.files.ready(SESSION, stored, MediaKind.DOCUMENT, UNKNOWN):
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < LIMIT / 3


async def test_an_empty_file_is_not_sent(here: Desk) -> None:
    with pytest.raises(InvalidPayload) as caught:
        await here.sent(b"", MediaKind.DOCUMENT)

    assert caught.value.reason == "media_unsupported"


async def test_the_disk_holds_nothing_that_can_be_read(here: Desk) -> None:
    note = sound(VOICE_NOTE)
    async with here.files.ready(
        SESSION, InlineFile(data=note), MediaKind.VOICE, UNKNOWN
    ) as ready:
        assert read(ready) == note
        assert here.on_disk()
        for path in here.on_disk():
            assert note[:64] not in path.read_bytes()
    assert here.on_disk() == []


async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.files._scratch = ScratchFolder(tmp_path, free_bytes=2**60)
        with pytest.raises(FileUnavailable, match="room"):
            await here.sent(b"some text", MediaKind.DOCUMENT)
        assert here.on_disk() == []


@pytest.mark.parametrize("when", ["preparing", "ready"])
async def test_after_a_kill_nothing_can_be_read_and_nobody_is_left(
    tmp_path: Path, when: str
) -> None:
    marker = b"a secret that is easily recognised "
    if when == "ready":
        kind, file = "document", marker * 1000
    else:  # long enough for the child to be at it
        kind, file = "voice", sound(SOUNDS["wav"], seconds=60.0)
        marker = file[200_000:200_064]
    (tmp_path / "outside").write_bytes(file)
    data = tmp_path / "data"
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contract.files_program"),
        *(str(data), kind, str(tmp_path / "outside")),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert program.stdout is not None
    async with asyncio.timeout(TIMEOUT):
        assert (await program.stdout.readline()).strip() == when.encode()
        children = [os.pidfd_open(child) for child in _children(program.pid)]
        program.send_signal(signal.SIGKILL)
        await program.wait()
        for child in children:
            await _gone(child)

    left = [path for path in data.rglob("*") if path.is_file()]
    assert left
    assert bool(children) is (when == "preparing")
    assert all(marker not in path.read_bytes() for path in left)
    async with desk(data) as here:
        assert here.on_disk() == []


def _children(process: int) -> list[int]:
    told = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return [int(each) for each in told.split()]


async def _gone(process: int) -> None:
    """Waits for a process that is not ours, by its descriptor."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process, gone.set)
    await gone.wait()
    loop.remove_reader(process)
    os.close(process)
