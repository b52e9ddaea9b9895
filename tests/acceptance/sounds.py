"""Sounds as recorders make them."""

from __future__ import annotations

import io
from fractions import Fraction
from math import pi, sin
from struct import pack

import av

RATE = 44_100
_CODECS = {"mp3": "libmp3lame", "wav": "pcm_s16le", "ogg": "libopus"}


def tone(container: str, *, seconds: int) -> bytes:
    """A tone that swells and fades."""
    made = io.BytesIO()
    rate = 48_000 if container == "ogg" else RATE
    with av.open(made, "w", format=container) as output:
        stream = output.add_stream(_CODECS[container], rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for start in range(0, seconds * rate, 960):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate, frame.pts = rate, start
            frame.time_base = Fraction(1, rate)
            samples = [_sample(n, rate) for n in range(start, start + 960)]
            frame.planes[0].update(pack(f"<{len(samples)}h", *samples))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return made.getvalue()


def _sample(number: int, rate: int) -> int:
    loudness = abs(sin(number * pi / rate))
    return int(20_000 * loudness * sin(number * 2 * pi * 440 / rate))
