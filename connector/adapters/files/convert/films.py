"""Videos, which are passed on as they are if phones play them."""

from __future__ import annotations

from typing import BinaryIO, Final

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from connector.adapters.files.convert import pictures
from connector.adapters.files.convert.containers import (
    QUICKTIME,
    frames,
    milliseconds,
    opened,
    picture_of,
    reader_of,
    sound_of,
)
from connector.adapters.files.convert.job import THUMBNAIL_SIDE, Answer
from connector.adapters.files.convert.prepared import (
    DAMAGED,
    Prepared,
    Unsupported,
    head_of,
    not_one,
)

CURE: Final = "convert it to MP4 with H.264 and AAC, or send it as a document"
_SOUNDS: Final = ("aac", "mp3", "amr_nb", "amr_wb")
_COLOURS: Final = {
    "h264": ("yuv420p", "yuvj420p"),
    "hevc": ("yuv420p", "yuvj420p", "yuv420p10le"),
}
_THUMBNAIL_AT: Final = 1000  # milliseconds; the very first frame is often black


def video(file: BinaryIO, most_bytes: int) -> Prepared:  # noqa: ARG001 - as the others
    """MP4 and 3GP with H.264 or HEVC."""
    head = head_of(file)
    reader = reader_of(file)
    if reader not in ("mov", "matroska"):
        raise not_one(head, "a video that WhatsApp plays", CURE)
    if reader == "matroska" or head[8:12] == QUICKTIME:
        raise not_one(head, "MP4", CURE)
    with opened(file, reader) as container:
        stream = picture_of(container)
        if stream is None:
            raise not_one(head, "a video: it has no picture", "send it as audio")
        _demand_played(container, stream)
        lasting = milliseconds(container, stream)
        frame = _early_frame(container, stream, lasting)
        return Prepared(answer=_answer(head, frame, lasting))


def _demand_played(container: InputContainer, stream: VideoStream) -> None:
    codec = stream.codec_context.codec.canonical_name
    if codec not in _COLOURS:
        raise Unsupported(f"The video is {codec}, not H.264: {CURE}.")
    colours = stream.codec_context.pix_fmt
    if colours not in _COLOURS[codec]:
        raise Unsupported(f"The video is {codec} in {colours}, not yuv420p: {CURE}.")
    sound = sound_of(container)
    coded = sound and sound.codec_context.codec.canonical_name
    if coded and coded not in _SOUNDS:
        raise Unsupported(f"The video's sound is {coded}, not AAC: {CURE}.")


def _early_frame(
    container: InputContainer, stream: VideoStream, lasting: int
) -> VideoFrame:
    """A whole picture at one second, or at a third of what is shorter."""
    wanted = min(_THUMBNAIL_AT, lasting // 3)
    container.seek(wanted * 1000, backward=True)  # in microseconds
    for frame in frames(container, stream):
        if isinstance(frame, VideoFrame):
            return frame
    raise Unsupported(DAMAGED)


def _answer(head: bytes, frame: VideoFrame, lasting: int) -> Answer:
    turn = round(frame.rotation / 90) * 90 % 360
    width, height = frame.width, frame.height
    if turn in (90, 270):
        width, height = height, width
    return Answer(
        mime_type="video/3gpp" if head[8:11] == b"3gp" else "video/mp4",
        width=width,
        height=height,
        milliseconds=lasting,
        thumbnail=pictures.thumbnail(_upright(frame, turn)),
    )


def _upright(frame: VideoFrame, turn: int) -> Image.Image:
    scale = THUMBNAIL_SIDE / max(frame.width, frame.height, THUMBNAIL_SIDE)
    small: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]
        width=max(1, round(frame.width * scale)),
        height=max(1, round(frame.height * scale)),
        threads=1,
    )
    return small.rotate(turn, expand=True)
