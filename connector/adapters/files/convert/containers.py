"""Opens sound and video with exactly the reader that its first bytes ask for.

FFmpeg knows hundreds of formats, among them lists that name further files and addresses.
It is never left to choose, and nothing but the one file can be opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, NoReturn, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from connector.adapters.files.convert.prepared import (
    AS_DOCUMENT,
    DAMAGED,
    Unsupported,
    head_of,
)

AnyStream = TypeVar("AnyStream", AudioStream, VideoStream)

QUICKTIME: Final = b"qt  "
_ID3_HEADER: Final = 10


def reader_of(file: BinaryIO) -> str | None:
    """FFmpeg's name for what a file is; None: nothing that we read."""
    head = head_of(file)
    if head.startswith(b"ID3"):
        return _after_id3(file, head)
    for start, name in _BY_START:
        if head.startswith(start):
            return name
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    return _by_frame(head)


_BY_START: Final = (
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"#!AMR", "amr"),
    (b"caff", "caf"),
)


def _after_id3(file: BinaryIO, head: bytes) -> str | None:
    """Tags stand before MP3 mostly, and before AAC at times."""
    size = 0
    for seven_bits in head[6:_ID3_HEADER]:
        size = size << 7 | seven_bits & 0x7F
    file.seek(_ID3_HEADER + size)
    after = file.read(4)
    file.seek(0)
    return _by_frame(after) or "mp3"


def _by_frame(head: bytes) -> str | None:
    """MPEG's frames begin with eleven ones; AAC in ADTS has a layer of zero."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - see above
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - see above
        return "aac"
    return "mp3" if head[1] & 0x06 == 0x02 else None  # noqa: PLR2004 - layer III


@contextmanager
def opened(file: BinaryIO, reader: str) -> Iterator[InputContainer]:
    """Raises Unsupported for what FFmpeg cannot read, within the block too."""
    file.seek(0)
    try:
        with av.open(
            file,
            "r",
            format=reader,
            io_open=_refuse,
            options={"threads": "1"},
            metadata_errors="replace",  # old songs are not titled in UTF-8
        ) as container:
            yield container
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise Unsupported(DAMAGED) from error


def _refuse(*_: Any) -> NoReturn:
    raise PermissionError


def sound_of(container: InputContainer) -> AudioStream | None:
    for stream in container.streams.audio:
        return _readable(stream)
    return None


def picture_of(container: InputContainer) -> VideoStream | None:
    """The moving picture; the cover of a song is none."""
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return _readable(stream)
    return None


def _readable(stream: AnyStream) -> AnyStream:
    if stream.codec_context is None:  # FFmpeg has no decoder for it
        raise Unsupported(f"It is coded in a way that we do not read: {AS_DOCUMENT}.")
    stream.codec_context.thread_count = 1
    return stream


def frames(
    container: InputContainer, stream: AudioStream | VideoStream
) -> Iterator[Any]:
    """What decodes. A few broken packets are skipped; raises Unsupported for many."""
    good = bad = 0
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                good += 1
                yield frame
        except MemoryError:
            raise
        except av.FFmpegError:
            bad += 1
    if bad > good:
        raise Unsupported(DAMAGED)


def milliseconds(container: InputContainer, stream: AudioStream | VideoStream) -> int:
    """By its packets: what a header says may be wrong, or a guess."""
    unit = stream.time_base
    first = last = None
    for packet in container.demux(stream):
        if packet.pts is None:
            continue
        end = packet.pts + (packet.duration or 0)
        first = packet.pts if first is None else min(first, packet.pts)
        last = end if last is None else max(last, end)
    if first is None or last is None or unit is None:
        return 0
    return max(0, round((last - first) * unit * 1000))
