"""GIFs, which WhatsApp sends as short silent videos."""

from __future__ import annotations

from fractions import Fraction
from typing import BinaryIO, Final

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageSequence

from connector.adapters.files.convert import films, pictures
from connector.adapters.files.convert.containers import reader_of
from connector.adapters.files.convert.job import Answer
from connector.adapters.files.convert.pipe import Pipe
from connector.adapters.files.convert.prepared import (
    Prepared,
    Unsupported,
    head_of,
    not_one,
)

LONGEST: Final = 60_000  # milliseconds
LARGEST_SIDE: Final = 960  # pixels; larger ones are made smaller
MOST_FRAMES: Final = 1_500
UNIT: Final = Fraction(1, 1000)
# What browsers make of frames that claim to last no time at all.
_SHORTEST: Final = 20
_INSTEAD: Final = 100
_MOVING: Final = ("GIF", "WEBP")
_ENCODING: Final = {
    "preset": "veryfast",
    "crf": "24",
    "profile": "main",
    "bf": "0",  # times stay in order
    "x264-params": "threads=1:sliced-threads=0:rc-lookahead=10",
}


def gif(file: BinaryIO, most_bytes: int) -> Prepared:
    """GIF and moving WebP become MP4; an MP4 stays as it is."""
    if reader_of(file) == "mov":
        return films.video(file, most_bytes)
    picture = pictures.opened(file)
    if picture.format not in _MOVING:
        raise not_one(head_of(file), "a GIF, moving WebP or MP4", "send it as an image")
    if getattr(picture, "n_frames", 1) == 1:
        raise Unsupported("The picture does not move: send it as an image.")
    size = _even_size(*picture.size)
    pipe = Pipe(most_bytes)
    lasting = _encode(picture, size, pipe)
    picture.seek(0)
    width, height = size
    return Prepared(
        answer=Answer(
            mime_type="video/mp4",
            width=width,
            height=height,
            milliseconds=lasting,
            thumbnail=pictures.thumbnail(picture),
        ),
        data=pipe.taken(),
    )


def _encode(picture: Image.Image, size: tuple[int, int], pipe: Pipe) -> int:
    """Returns how many milliseconds it lasts."""
    at, durations = 0, dict[int | None, int]()
    options = {"fflags": "+bitexact"}
    with av.open(pipe, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=25, options=_ENCODING)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = UNIT
        stream.time_base = UNIT
        for number, still in enumerate(ImageSequence.Iterator(picture)):
            if number >= MOST_FRAMES or at > LONGEST:
                raise Unsupported(
                    f"The GIF is longer than {LONGEST // 1000} seconds, or than "
                    f"{MOST_FRAMES} frames: send it as a video."
                )
            frame = _frame(pictures.flat(still).resize(size))
            frame.pts, frame.time_base = at, UNIT
            durations[at] = _duration(still)
            at += durations[at]
            _mux(container, stream.encode(frame), durations)
        _mux(container, stream.encode(None), durations)
    return at


def _mux(
    container: OutputContainer,
    packets: list[Packet[VideoStream]],
    durations: dict[int | None, int],
) -> None:
    """Each with the time it is shown, which the encoder does not pass on."""
    for packet in packets:
        packet.duration = durations[packet.pts]
        container.mux(packet)


def _frame(still: Image.Image) -> VideoFrame:
    frame: VideoFrame = VideoFrame.from_image(still)  # type: ignore[no-untyped-call]
    return frame


def _duration(still: Image.Image) -> int:
    told = round(still.info.get("duration", 0))
    return told if told >= _SHORTEST else _INSTEAD


def _even_size(width: int, height: int) -> tuple[int, int]:
    """As H.264 needs it."""
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return _even(width * scale), _even(height * scale)


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
