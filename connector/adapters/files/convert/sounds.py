"""Voice notes and audio files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from connector.adapters.files.convert.containers import (
    frames,
    milliseconds,
    opened,
    picture_of,
    reader_of,
    sound_of,
)
from connector.adapters.files.convert.job import Answer
from connector.adapters.files.convert.pipe import Pipe
from connector.adapters.files.convert.prepared import (
    DAMAGED,
    Prepared,
    Unsupported,
    head_of,
    not_one,
)
from connector.adapters.files.convert.waveform import RATE, Waveform

OPUS: Final = "audio/ogg; codecs=opus"
BITS_A_SECOND: Final = 32_000
LONGEST: Final = 2 * 3600  # seconds of a voice note
_RATES: Final = range(4_000, 400_000)
# What WhatsApp plays as an audio file: how it is wrapped, how it is coded, its type.
_PLAYED: Final = {
    ("mp3", "mp3"): "audio/mpeg",
    ("aac", "aac"): "audio/aac",
    ("mov", "aac"): "audio/mp4",
    ("ogg", "opus"): OPUS,
    ("amr", "amr_nb"): "audio/amr",
    ("amr", "amr_wb"): "audio/amr",
}


def voice(file: BinaryIO, most_bytes: int) -> Prepared:
    """Any common sound, as a voice note: Ogg/Opus, mono, with its waveform."""
    reader = reader_of(file)
    if reader is None:
        raise not_one(head_of(file), "a sound that we read")
    waveform, pipe = Waveform(), Pipe(most_bytes)
    with opened(file, reader) as container:
        stream = _demanded_sound(container, file)
        if _is_voice_note(reader, container, stream):
            for sound in _plain(container, stream):
                waveform.add(_samples(sound))
            data = None
        else:
            _encode(_plain(container, stream), pipe, waveform)
            data = pipe.taken()
    if not waveform.samples:
        raise Unsupported("There is no sound in this file.")
    answer = Answer(
        mime_type=OPUS, milliseconds=waveform.milliseconds, waveform=waveform.steps()
    )
    return Prepared(answer=answer, data=data)


def audio(file: BinaryIO, most_bytes: int) -> Prepared:  # noqa: ARG001 - as the others
    """As it came, if WhatsApp plays it."""
    reader = reader_of(file)
    if reader is None:
        raise not_one(head_of(file), "a sound that WhatsApp plays")
    with opened(file, reader) as container:
        stream = _demanded_sound(container, file)
        codec = stream.codec_context.codec.canonical_name
        mime_type = _PLAYED.get((reader, codec))
        if mime_type is None or picture_of(container) is not None:
            raise Unsupported(
                "WhatsApp plays MP3, M4A, AAC, AMR and Ogg/Opus as audio files, and this "
                f"is {codec} in {reader}: send it as a voice note or as a document."
            )
        return Prepared(
            answer=Answer(
                mime_type=mime_type, milliseconds=milliseconds(container, stream)
            )
        )


def _demanded_sound(container: InputContainer, file: BinaryIO) -> AudioStream:
    if (stream := sound_of(container)) is None:
        raise not_one(head_of(file), "a sound")
    return stream


def _is_voice_note(reader: str, container: InputContainer, stream: AudioStream) -> bool:
    return (
        reader == "ogg"
        and len(container.streams) == 1
        and stream.codec_context.codec.canonical_name == "opus"
        and stream.codec_context.channels == 1
    )


def _plain(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Mono, 48 kHz, 16 bits, whatever it was, even if that changes on the way."""
    resampler, shape, lasting = None, None, 0.0
    for frame in frames(container, stream):
        now = (frame.format.name, frame.layout.name, frame.rate)
        if frame.rate not in _RATES:  # nobody's; it would take hours, and all memory
            raise Unsupported(DAMAGED)
        if now != shape:
            if resampler is not None:
                yield from resampler.resample(None)
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            shape = now
        assert resampler is not None  # noqa: S101 - for the reader, and for mypy
        frame.pts = None
        yield from resampler.resample(frame)
        lasting += frame.samples / frame.rate
        if lasting > LONGEST:
            raise Unsupported(
                f"It lasts longer than {LONGEST // 3600} hours: send it as a document."
            )
    if resampler is not None:
        yield from resampler.resample(None)


def _encode(sounds: Iterator[AudioFrame], pipe: Pipe, waveform: Waveform) -> None:
    with av.open(pipe, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = BITS_A_SECOND
        stream.codec_context.open()
        size, fifo, written = stream.codec_context.frame_size, av.AudioFifo(), 0
        for sound in sounds:
            waveform.add(_samples(sound))
            sound.pts = None
            fifo.write(sound)
            for frame in fifo.read_many(size):
                frame.pts, written = written, written + frame.samples
                container.mux(stream.encode(frame))
        if (rest := fifo.read(0, partial=True)) is not None:
            rest.pts = written
            container.mux(stream.encode(rest))
        container.mux(stream.encode(None))


def _samples(sound: AudioFrame) -> memoryview:
    return memoryview(sound.planes[0]).cast("h")[: sound.samples]
