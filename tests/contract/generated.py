"""Sounds, pictures and videos, really made by the encoders that people's programs use."""

from __future__ import annotations

import io
import math
import struct
from array import array
from typing import Any, Final, NamedTuple

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

SECRET: Final = "Rua Augusta 24, Lisboa"


class Sound(NamedTuple):
    """How a sound is wrapped and coded."""

    wrapped: str
    codec: str
    rate: int = 44_100
    layout: str = "mono"


SOUNDS: Final = {
    "mp3": Sound("mp3", "libmp3lame"),
    "m4a": Sound("ipod", "aac"),
    "aac": Sound("adts", "aac"),
    "wav": Sound("wav", "pcm_s16le"),
    "stereo ogg": Sound("ogg", "libopus", 48_000, "stereo"),
    "flac": Sound("flac", "flac"),
    "webm": Sound("webm", "libopus", 48_000),
    "amr": Sound("amr", "libopencore_amrnb", 8_000),
    "aiff": Sound("aiff", "pcm_s16be"),
    "caf": Sound("caf", "pcm_s16le"),
}
VOICE_NOTE: Final = Sound("ogg", "libopus", 48_000)


def sound(made_as: Sound, seconds: float = 3.0) -> bytes:
    """A tone that grows from nothing to its loudest."""
    out = io.BytesIO()
    with av.open(out, "w", format=made_as.wrapped) as container:
        stream: Any = container.add_stream(
            made_as.codec, rate=made_as.rate, layout=made_as.layout
        )
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=made_as.layout,
            rate=made_as.rate,
            frame_size=stream.codec_context.frame_size or None,
        )
        tone = _tone(seconds, made_as.rate)
        for frame in (*resampler.resample(tone), *resampler.resample(None)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _tone(seconds: float, rate: int) -> AudioFrame:
    count = int(seconds * rate)
    wave = (
        int(20_000 * at / count * math.sin(2 * math.pi * 440 * at / rate))
        for at in range(count)
    )
    frame = AudioFrame(format="s16", layout="mono", samples=count)
    frame.planes[0].update(array("h", wave).tobytes())
    frame.sample_rate = rate
    return frame


def picture(width: int, height: int, mode: str = "RGB", *, at: int = 0) -> Image.Image:
    """The left half red, the right half blue; `at` moves the border."""
    made = Image.new("RGB", (width, height), "blue")
    border = width // 2 + at
    ImageDraw.Draw(made).rectangle((0, 0, border, height), fill="red")
    return made.convert(mode)


def image(wrapped: str, mode: str = "RGB", **how: Any) -> bytes:
    out = io.BytesIO()
    picture(640, 480, mode).save(out, wrapped, **how)
    return out.getvalue()


def telling_jpeg() -> bytes:
    """On its side, with a place, a maker, a comment, and something behind it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = SECRET
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 42.0, 30.0)})
    return image("JPEG", exif=exif, comment=SECRET.encode()) + SECRET.encode()


def telling_png() -> bytes:
    told = PngInfo()
    told.add_text("Author", SECRET)
    return image("PNG", pnginfo=told)


def animation(wrapped: str, durations: list[int]) -> bytes:
    """Sides are odd on purpose; in milliseconds."""
    frames = [picture(321, 201, at=number * 5) for number in range(len(durations))]
    out = io.BytesIO()
    first, *others = frames
    first.save(
        out, wrapped, save_all=True, append_images=others, duration=durations, loop=0
    )
    return out.getvalue()


def film(
    wrapped: str = "mp4",
    codec: str = "libx264",
    *,
    colours: str = "yuv420p",
    sound_codec: str | None = None,
    frames: int = 50,
) -> bytes:
    """320x240 at 25 frames a second."""
    out = io.BytesIO()
    with av.open(out, "w", format=wrapped) as container:
        stream: Any = container.add_stream(
            codec, rate=25, options={"x265-params": "log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 240, colours
        silence = None
        if sound_codec is not None:
            silence = container.add_stream(sound_codec, rate=44_100, layout="mono")
            silence.codec_context.open()
        for number in range(frames):
            still: Any = VideoFrame.from_image(picture(320, 240, at=number))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(still))
        container.mux(stream.encode(None))
        if silence is not None:
            _fill_with_silence(container, silence)
    return out.getvalue()


def _fill_with_silence(container: Any, stream: Any) -> None:
    coding = stream.codec_context
    for number in range(10):
        frame = AudioFrame(
            format=coding.format.name, layout="mono", samples=coding.frame_size
        )
        frame.sample_rate = 44_100
        frame.pts = number * coding.frame_size
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def turned(mp4: bytes) -> bytes:
    """As a phone held upright records it: to be turned by a quarter to the right."""
    one = 0x10000
    upright = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    quarter = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 0x40000000)
    at = mp4.index(upright, mp4.index(b"tkhd"))
    return mp4[:at] + quarter + mp4[at + len(upright) :]
