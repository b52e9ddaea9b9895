"""Files that are cut off, damaged, or made to do harm: none stops or hurts the connector."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.adapters.files import preparing
from connector.adapters.files.convert import job as jobs
from connector.domain.outgoing import MediaKind
from connector.errors import FileUnavailable, InvalidPayload
from tests.contract import generated as made
from tests.contract.generated import SOUNDS, VOICE_NOTE, sound
from tests.contract.preparing import Desk, desk

WHOLE = {
    **{
        f"voice {name}": (MediaKind.VOICE, sound(how, seconds=1.0))
        for name, how in {**SOUNDS, "note": VOICE_NOTE}.items()
    },
    "audio mp3": (MediaKind.AUDIO, sound(SOUNDS["mp3"], seconds=1.0)),
    "audio m4a": (MediaKind.AUDIO, sound(SOUNDS["m4a"], seconds=1.0)),
    **{
        f"image {wrapped}": (MediaKind.IMAGE, made.image(wrapped))
        for wrapped in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    },
    "video mp4": (MediaKind.VIDEO, made.film(sound_codec="aac")),
    "gif gif": (MediaKind.GIF, made.animation("GIF", [50] * 5)),
    "gif webp": (MediaKind.GIF, made.animation("WEBP", [50] * 5)),
}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as here:
        yield here
        assert here.on_disk() == []


def damaged(data: bytes) -> list[bytes]:
    """Cut off, and changed in a few places; the same each time."""
    chance = random.Random(len(data))  # noqa: S311 - not a secret
    changed = bytearray(data)
    for _ in range(20):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return [data[: len(data) // 2], data[:40], bytes(changed)]


@pytest.mark.parametrize("name", sorted(WHOLE))
async def test_a_damaged_file_is_sent_or_refused_but_ends(
    here: Desk, name: str
) -> None:
    kind, data = WHOLE[name]
    with capture_logs() as logged:
        for spoilt in damaged(data):
            try:
                sent = await here.sent(spoilt, kind)
            except InvalidPayload as refusal:
                assert refusal.reason == "media_unsupported"  # noqa: PT017 - or this
            else:
                assert sent.data
    assert logged == []  # nothing that nobody foresaw


@pytest.mark.parametrize("kind", [k for k in MediaKind if k is not MediaKind.DOCUMENT])
@pytest.mark.parametrize(
    "begins",
    [b"", b"OggS", b"\0\0\0\x18ftypisom", b"\xff\xd8\xff\xe0", b"GIF89a", b"ID3\4"],
)
async def test_garbage_is_refused(here: Desk, kind: MediaKind, begins: bytes) -> None:
    garbage = begins + random.Random(1).randbytes(50_000)  # noqa: S311 - not a secret

    with pytest.raises(InvalidPayload) as caught:
        await here.sent(garbage, kind)

    assert caught.value.reason == "media_unsupported"


async def test_a_child_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    long = sound(SOUNDS["wav"], seconds=60.0)
    async with desk(tmp_path, within=0.3) as here:
        async with asyncio.timeout(30):
            with pytest.raises(FileUnavailable, match="too long"):
                await here.sent(long, MediaKind.VOICE)
        assert _children() == []
        assert here.on_disk() == []


async def test_leaving_early_kills_the_child(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking = asyncio.Event()
    talk = preparing._talk

    async def heard(*arguments: Any) -> Any:
        talking.set()
        return await talk(*arguments)

    monkeypatch.setattr(preparing, "_talk", heard)
    long = sound(SOUNDS["wav"], seconds=60.0)
    sending = asyncio.create_task(here.sent(long, MediaKind.VOICE))
    async with asyncio.timeout(30):
        await talking.wait()
        assert len(_children()) == 1
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert _children() == []


async def test_one_child_at_a_time(here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    talk = preparing._talk

    async def counted(*arguments: Any) -> Any:
        nonlocal most
        most = max(most, len(_children()))
        return await talk(*arguments)

    monkeypatch.setattr(preparing, "_talk", counted)
    picture = made.image("PNG")

    await asyncio.gather(*(here.sent(picture, MediaKind.IMAGE) for _ in range(4)))

    assert most == 1


async def test_an_error_nobody_foresaw_is_logged_by_its_class(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = jobs.framed(jobs.ANSWER, jobs.Answer(broke="OddError").encoded())
    monkeypatch.setattr(
        preparing, "PROGRAM", ("-I", "-c", f"import os; os.write(1, {answer!r})")
    )

    with capture_logs() as logged, pytest.raises(InvalidPayload):
        await here.sent(b"any", MediaKind.IMAGE)

    assert [(line["kind"], line["error"]) for line in logged] == [("image", "OddError")]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", InvalidPayload),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", InvalidPayload),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", FileUnavailable),
        ("raise SystemExit(1)", FileUnavailable),
        ("print('not a frame', flush=True)", InvalidPayload),
        ("import os; os.write(1, b'A\\0\\0\\0\\2[]')", InvalidPayload),
        ("import os; os.write(1, b'D\\xff\\xff\\xff\\xff')", InvalidPayload),
        ("import os; os.write(1, b'D\\0\\0\\0\\5half')", FileUnavailable),
    ],
)
async def test_a_child_is_taken_for_a_stranger(
    here: Desk, monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception]
) -> None:
    """It may have been taken over by what it read."""
    monkeypatch.setattr(preparing, "PROGRAM", ("-I", "-c", code))

    with pytest.raises(error):
        await here.sent(b"any", MediaKind.IMAGE)


async def test_a_child_that_gives_without_end_is_stopped(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = jobs.HEADER.pack(jobs.DATA, jobs.PIECE)
    endless = f"import sys\nwhile True: sys.stdout.buffer.write({header!r} + bytes({jobs.PIECE}))"
    monkeypatch.setattr(preparing, "PROGRAM", ("-I", "-c", endless))

    with pytest.raises(InvalidPayload) as caught:
        await here.sent(b"any", MediaKind.IMAGE)

    assert caught.value.reason == "media_too_large"


async def test_the_child_knows_no_secrets_and_writes_no_files(
    here: Desk,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "sb_secret_invented")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "written"
    looked = f"""
import os, resource
from connector.adapters.files.convert.confinement import confine
from connector.adapters.files.convert import job
from connector.adapters.files.convert.job import Answer
confine()
try:
    open({str(elsewhere)!r}, "w").write("x" * 9999)
    wrote = True
except OSError:
    wrote = False
opened = sorted(os.path.realpath(f"/proc/self/fd/{{each}}") for each in os.listdir("/proc/self/fd"))
files = [each for each in opened if each.startswith("/") and os.path.isfile(each)]
told = f"{{sorted(os.environ)}} {{wrote}} {{len(files)}} {{resource.getrlimit(resource.RLIMIT_CORE)}}"
os.write(1, job.framed(job.ANSWER, Answer(unsupported=told).encoded()))
"""
    monkeypatch.setattr(preparing, "PROGRAM", ("-I", "-c", looked))
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)

    with pytest.raises(InvalidPayload) as caught:
        await here.sent(b"any", MediaKind.IMAGE)

    # Python itself sets LC_CTYPE; the one file is the sealed one.
    assert str(caught.value) == "['LC_CTYPE'] False 1 (0, 0)"


def _children() -> list[str]:
    """Which of our processes prepare files."""
    ours = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return [each for each in ours if preparing.PROGRAM[-1].encode() in _command(each)]


def _command(process: str) -> bytes:
    """Nothing once it has ended. One that has just begun has no command line yet."""
    path = Path("/proc", process)
    try:
        while not (command := path.joinpath("cmdline").read_bytes()):
            state = path.joinpath("stat").read_text("ascii").rpartition(")")[2].split()
            if state[0] in "ZX":
                break
            os.sched_yield()
    except (FileNotFoundError, ProcessLookupError):
        return b""
    return command
