"""What really made sounds, pictures and videos become, found out by decoding them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from connector.domain.outgoing import FileFacts, MediaKind
from connector.errors import InvalidPayload
from tests.contract import generated as made
from tests.contract.generated import SOUNDS, VOICE_NOTE, sound
from tests.contract.preparing import Desk, desk

OPUS = "audio/ogg; codecs=opus"
PDF = b"%PDF-1.7\n" + bytes(300)
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as here:
        yield here
        assert here.on_disk() == []


async def refusal(here: Desk, data: bytes, kind: MediaKind) -> str:
    """The sentence of a refusal for good."""
    with pytest.raises(InvalidPayload) as caught:
        await here.sent(data, kind)
    assert caught.value.reason == "media_unsupported"
    return str(caught.value)


def decoded(data: bytes) -> tuple[Any, list[Any]]:
    """The only stream, and all its frames."""
    with av.open(io.BytesIO(data), "r") as container:
        (stream,) = container.streams
        return stream, list(container.decode(stream))


def about(lasting: timedelta | None, seconds: float, by: float = 0.06) -> bool:
    assert lasting is not None
    return abs(lasting.total_seconds() - seconds) <= by


def is_thumbnail(data: bytes | None, width: int, height: int) -> bool:
    assert data is not None
    assert len(data) <= 16 * 1024
    small = Image.open(io.BytesIO(data))
    small.load()
    assert small.format == "JPEG"
    return small.size == (width, height)


@pytest.mark.parametrize("name", sorted(SOUNDS))
async def test_any_sound_becomes_a_voice_note(here: Desk, name: str) -> None:
    original = sound(SOUNDS[name])

    sent = await here.sent(original, MediaKind.VOICE)

    stream, frames = decoded(sent.data)
    assert (stream.codec_context.name, stream.codec_context.channels) == ("opus", 1)
    assert stream.codec_context.sample_rate == 48_000
    lasting = sum(frame.samples for frame in frames) / 48_000
    assert abs(lasting - 3.0) <= 0.06
    assert sent.facts.mime_type == OPUS
    assert about(sent.facts.duration, lasting)
    steps = list(sent.facts.waveform or b"")
    assert len(steps) == 64
    assert max(steps) == 100
    # It grew from nothing to its loudest, evenly.
    assert all(abs(step - 100 * at / 63) <= 12 for at, step in enumerate(steps[:-2]))


async def test_a_voice_note_is_passed_on_as_it_is(here: Desk) -> None:
    note = sound(VOICE_NOTE)

    sent = await here.sent(note, MediaKind.VOICE)

    assert sent.data == note
    assert about(sent.facts.duration, 3.0)
    assert len(sent.facts.waveform or b"") == 64


async def test_the_sound_of_a_video_becomes_a_voice_note(here: Desk) -> None:
    sent = await here.sent(made.film(sound_codec="aac"), MediaKind.VOICE)

    assert decoded(sent.data)[0].codec_context.name == "opus"
    assert sent.facts.waveform == bytes(64)  # silence


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
        ("stereo ogg", OPUS),
        ("amr", "audio/amr"),
    ],
)
async def test_audio_that_phones_play_is_passed_on(
    here: Desk, name: str, mime_type: str
) -> None:
    original = sound(SOUNDS[name])

    sent = await here.sent(original, MediaKind.AUDIO)

    assert sent.data == original
    assert sent.facts.mime_type == mime_type
    assert about(sent.facts.duration, 3.0)
    assert sent.facts.waveform is None


@pytest.mark.parametrize("name", ["wav", "flac", "webm", "aiff", "caf"])
async def test_other_audio_is_refused_with_the_cure(here: Desk, name: str) -> None:
    sentence = await refusal(here, sound(SOUNDS[name]), MediaKind.AUDIO)

    assert "send it as a voice note or as a document" in sentence


@pytest.mark.parametrize(
    ("wrapped", "mime_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")]
)
async def test_a_picture_that_tells_nothing_is_passed_on(
    here: Desk, wrapped: str, mime_type: str
) -> None:
    original = made.image(wrapped)

    sent = await here.sent(original, MediaKind.IMAGE)

    assert sent.data == original
    facts = sent.facts
    assert (facts.mime_type, facts.width, facts.height) == (mime_type, 640, 480)
    assert is_thumbnail(facts.thumbnail, 100, 75)


async def test_where_and_by_whom_a_photo_was_taken_stays_here(here: Desk) -> None:
    original = made.telling_jpeg()

    sent = await here.sent(original, MediaKind.IMAGE)

    assert made.SECRET.encode() not in sent.data
    before, after = Image.open(io.BytesIO(original)), Image.open(io.BytesIO(sent.data))
    assert after.tobytes() == before.tobytes()
    assert dict(after.getexif()) == {0x0112: 6}
    assert (sent.facts.width, sent.facts.height) == (480, 640)  # as it is shown
    assert is_thumbnail(sent.facts.thumbnail, 75, 100)
    small = Image.open(io.BytesIO(sent.facts.thumbnail or b"")).convert("RGB")
    above, below = small.getpixel((37, 10)), small.getpixel((37, 90))
    assert isinstance(above, tuple)
    assert isinstance(below, tuple)
    assert above[0] > 200 > below[0]  # the left half, red, is turned up


async def test_a_png_loses_its_texts_alone(here: Desk) -> None:
    original = made.telling_png()

    sent = await here.sent(original, MediaKind.IMAGE)

    assert made.SECRET.encode() not in sent.data
    assert (
        Image.open(io.BytesIO(sent.data)).tobytes()
        == Image.open(io.BytesIO(original)).tobytes()
    )


@pytest.mark.parametrize(
    ("wrapped", "mode"),
    [
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
        ("AVIF", "RGB"),
        ("JPEG", "CMYK"),
    ],
)
async def test_other_pictures_become_jpeg(here: Desk, wrapped: str, mode: str) -> None:
    sent = await here.sent(made.image(wrapped, mode), MediaKind.IMAGE)

    picture = Image.open(io.BytesIO(sent.data))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (640, 480))
    left = picture.getpixel((100, 240))
    assert isinstance(left, tuple)
    assert left[0] > 200 > left[2]
    assert sent.facts.mime_type == "image/jpeg"
    assert is_thumbnail(sent.facts.thumbnail, 100, 75)


async def test_what_was_transparent_is_white(here: Desk) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(out, "WEBP", lossless=True)

    sent = await here.sent(out.getvalue(), MediaKind.IMAGE)

    assert Image.open(io.BytesIO(sent.data)).getpixel((20, 20)) == (255, 255, 255)


@pytest.mark.parametrize("begins", [b"\x89PNG\r\n\x1a\n", b"GIF89a"])
async def test_a_damaged_picture_is_not_told_to_become_what_it_is(
    here: Desk, begins: bytes
) -> None:
    sentence = await refusal(here, begins + b"\xff" * 500, MediaKind.IMAGE)

    assert "damaged" in sentence
    assert "PNG" not in sentence


@pytest.mark.parametrize("mode", ["1", "RGB"])
async def test_a_bomb_is_refused_before_it_goes_off(here: Desk, mode: str) -> None:
    out = io.BytesIO()
    side = 30_000 if mode == "1" else 8_000
    Image.new(mode, (side, side)).save(out, "PNG")
    assert len(out.getvalue()) < 2_000_000

    assert "million pixels" in await refusal(here, out.getvalue(), MediaKind.IMAGE)


@pytest.mark.parametrize(
    ("wrapped", "codec", "sound_codec", "mime_type"),
    [
        ("mp4", "libx264", "aac", "video/mp4"),
        ("mp4", "libx264", None, "video/mp4"),
        ("mp4", "libx265", None, "video/mp4"),
        ("3gp", "libx264", "aac", "video/3gpp"),
    ],
)
async def test_videos_that_phones_play_are_passed_on(
    here: Desk, wrapped: str, codec: str, sound_codec: str | None, mime_type: str
) -> None:
    original = made.film(wrapped, codec, sound_codec=sound_codec)

    sent = await here.sent(original, MediaKind.VIDEO)

    assert sent.data == original
    facts = sent.facts
    assert (facts.mime_type, facts.width, facts.height) == (mime_type, 320, 240)
    assert about(facts.duration, 2.0)
    assert is_thumbnail(facts.thumbnail, 100, 75)


async def test_a_video_recorded_upright_is_shown_upright(here: Desk) -> None:
    original = made.turned(made.film())

    sent = await here.sent(original, MediaKind.VIDEO)

    assert sent.data == original
    assert (sent.facts.width, sent.facts.height) == (240, 320)
    assert is_thumbnail(sent.facts.thumbnail, 75, 100)
    small = Image.open(io.BytesIO(sent.facts.thumbnail or b"")).convert("RGB")
    above = small.getpixel((37, 10))
    assert isinstance(above, tuple)
    assert above[0] > 150 > above[2]  # the left half, red, is turned up


@pytest.mark.parametrize(
    ("film", "words"),
    [
        (made.film("webm", "libvpx"), "video/webm, not MP4"),
        (made.film("matroska"), "matroska, not MP4"),
        (made.film("mov"), "video/quicktime, not MP4"),
        (made.film("avi", "mpeg4"), "video/x-msvideo"),
        (made.film(codec="mpeg4"), "mpeg4, not H.264"),
        (made.film(colours="yuv444p"), "yuv444p, not yuv420p"),
        (made.film(sound_codec="ac3"), "ac3, not AAC"),
        (sound(SOUNDS["m4a"]), "no picture"),
    ],
)
async def test_other_videos_are_refused_with_the_cure(
    here: Desk, film: bytes, words: str
) -> None:
    sentence = await refusal(here, film, MediaKind.VIDEO)

    assert words in sentence
    assert "send it as" in sentence


@pytest.mark.parametrize(
    ("wrapped", "durations"),
    [("GIF", [50] * 10 + [120] * 10), ("WEBP", [80] * 15), ("GIF", [0] * 3)],
)
async def test_an_animation_becomes_a_silent_video(
    here: Desk, wrapped: str, durations: list[int]
) -> None:
    sent = await here.sent(made.animation(wrapped, durations), MediaKind.GIF)

    stream, frames = decoded(sent.data)
    coding = stream.codec_context
    assert (coding.name, coding.pix_fmt) == ("h264", "yuv420p")
    assert (coding.width, coding.height) == (320, 200)
    shown = [each or 100 for each in durations]  # as browsers show it
    begins = [sum(shown[:at]) for at in range(len(shown))]
    assert [round(frame.time * 1000) for frame in frames] == begins
    assert about(sent.facts.duration, sum(shown) / 1000, by=0.001)
    assert sent.facts.mime_type == "video/mp4"
    assert is_thumbnail(sent.facts.thumbnail, 100, 63)


async def test_a_video_is_passed_on_as_a_gif(here: Desk) -> None:
    original = made.film()

    assert (await here.sent(original, MediaKind.GIF)).data == original


@pytest.mark.parametrize("data", [made.image("GIF"), made.image("JPEG")])
async def test_what_does_not_move_is_no_gif(here: Desk, data: bytes) -> None:
    assert "send it as an image" in await refusal(here, data, MediaKind.GIF)


@pytest.mark.parametrize("kind", [k for k in MediaKind if k is not MediaKind.DOCUMENT])
@pytest.mark.parametrize(
    ("data", "name"),
    [(PDF, "application/pdf"), (SVG, "image/svg+xml"), (PLAYLIST, "unknown type")],
)
async def test_what_is_not_of_its_kind_is_called_what_it_is(
    here: Desk, kind: MediaKind, data: bytes, name: str
) -> None:
    assert name in await refusal(here, data, kind)


@pytest.mark.parametrize("data", [PDF, SVG, PLAYLIST, made.telling_jpeg()])
async def test_a_document_is_anything_untouched(here: Desk, data: bytes) -> None:
    named = FileFacts(mime_type="", file_name="a.bin")

    assert (await here.sent(data, MediaKind.DOCUMENT, named)).data == data
