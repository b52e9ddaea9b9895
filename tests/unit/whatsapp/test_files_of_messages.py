"""Files keep what it takes to fetch them, and nothing that could do harm."""

from __future__ import annotations

from typing import Any

import pytest

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.messages import Attachment
from tests.unit.whatsapp.reading_events import said

JPEG = b"\xff\xd8\xff\xe0 a small picture"
KEYS: dict[str, Any] = {
    "directPath": "/v/t62/abc?ccb=1",
    "mediaKey": b"k" * 32,
    "fileSHA256": b"s" * 32,
    "fileEncSHA256": b"e" * 32,
    "fileLength": 1234,
}


def file(media_type: str, **given: Any) -> Attachment:
    return Attachment(
        media_type=media_type,
        direct_path="/v/t62/abc?ccb=1",
        media_key=b"k" * 32,
        file_sha256=b"s" * 32,
        file_enc_sha256=b"e" * 32,
        size_bytes=1234,
        **given,
    )


def test_an_image_has_its_caption_and_its_file() -> None:
    image = e2e.ImageMessage(
        caption="look",
        mimetype="image/jpeg",
        width=640,
        height=480,
        JPEGThumbnail=JPEG,
        **KEYS,
    )

    found = said(e2e.Message(imageMessage=image))

    assert (found.kind, found.body, found.content) == ("image", "look", {})
    assert found.attachment == file(
        "image", mime_type="image/jpeg", width=640, height=480, thumbnail=JPEG
    )


@pytest.mark.parametrize(
    ("message", "kind", "media_type"),
    [
        (e2e.Message(videoMessage=e2e.VideoMessage(**KEYS)), "video", "video"),
        (
            e2e.Message(videoMessage=e2e.VideoMessage(gifPlayback=True, **KEYS)),
            "gif",
            "video",
        ),
        (e2e.Message(ptvMessage=e2e.VideoMessage(**KEYS)), "video_note", "video"),
        (e2e.Message(audioMessage=e2e.AudioMessage(**KEYS)), "audio", "audio"),
        (
            e2e.Message(audioMessage=e2e.AudioMessage(PTT=True, **KEYS)),
            "voice",
            "audio",
        ),
        (
            e2e.Message(documentMessage=e2e.DocumentMessage(**KEYS)),
            "document",
            "document",
        ),
        (e2e.Message(stickerMessage=e2e.StickerMessage(**KEYS)), "sticker", "sticker"),
    ],
    ids=["video", "gif", "video note", "audio", "voice", "document", "sticker"],
)
def test_files_are_told_apart(message: e2e.Message, kind: str, media_type: str) -> None:
    found = said(message)

    assert found.kind == kind
    assert found.attachment == file(media_type)


def test_a_voice_note_has_its_length_and_its_waveform() -> None:
    steps = bytes(range(64))
    note = e2e.AudioMessage(PTT=True, seconds=7, waveform=steps, **KEYS)

    found = said(e2e.Message(audioMessage=note)).attachment

    assert found is not None
    assert (found.duration_seconds, found.waveform) == (7, tuple(steps))


@pytest.mark.parametrize("steps", [bytes(63), bytes([101] * 64)])
def test_a_waveform_that_is_none_is_left_out(steps: bytes) -> None:
    found = said(
        e2e.Message(audioMessage=e2e.AudioMessage(waveform=steps, **KEYS))
    ).attachment

    assert found is not None
    assert found.waveform == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"mediaKey": b"short"},
        {"fileSHA256": b""},
        {"fileEncSHA256": b"e" * 33},
        {"directPath": "https://example.com/x"},
        {"directPath": "/" + "x" * 2_000},
    ],
)
def test_a_file_that_nobody_could_fetch_is_missing_and_the_message_is_not(
    broken: dict[str, Any],
) -> None:
    image = e2e.ImageMessage(caption="look", **{**KEYS, **broken})

    found = said(e2e.Message(imageMessage=image))

    assert (found.kind, found.body) == ("image", "look")
    assert found.attachment is None
    assert found.content == {"media_missing": True}


@pytest.mark.parametrize("data", [b"GIF89a", JPEG + bytes(20_000)])
def test_a_thumbnail_is_a_small_jpeg_or_none(data: bytes) -> None:
    image = e2e.ImageMessage(JPEGThumbnail=data, **KEYS)

    found = said(e2e.Message(imageMessage=image)).attachment

    assert found is not None
    assert found.thumbnail is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.exe", "a.exe"),
        ("a\u202efdp.exe\n", "afdp.exe"),
        ("x" * 300, "x" * 256),
        ("/", None),
    ],
)
def test_a_file_name_is_no_path_and_hides_nothing(told: str, name: str | None) -> None:
    document = e2e.DocumentMessage(fileName=told, **KEYS)
    wrapped = e2e.Message(documentMessage=document)
    caption = e2e.Message(
        documentWithCaptionMessage=e2e.FutureProofMessage(message=wrapped)
    )

    found = said(caption).attachment

    assert found is not None
    assert found.file_name == name


def test_an_animated_sticker_says_so() -> None:
    sticker = e2e.StickerMessage(isAnimated=True, **KEYS)

    assert said(e2e.Message(stickerMessage=sticker)).content == {"animated": True}
