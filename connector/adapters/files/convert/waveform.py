"""The picture of a voice note: how loud each of 64 equal parts of it is."""

from __future__ import annotations

import math
from array import array
from operator import mul
from typing import Final

from connector.adapters.files.convert.job import WAVEFORM_STEPS

RATE: Final = 48_000  # samples a second
WINDOW: Final = RATE // 100  # samples; what is measured in one go
# Loudness is the same by every sixth sample, at a sixth of the cost.
STRIDE: Final = 6
LOUDEST: Final = 100


class Waveform:
    """Takes sound as it comes, however long, in a byte a millisecond."""

    def __init__(self) -> None:
        self._windows = array("f")  # the mean square of each
        self.samples = 0

    def add(self, sound: memoryview) -> None:
        """Mono, 16 bits a sample (format `h`)."""
        self.samples += len(sound)
        for start in range(0, len(sound), WINDOW):
            some = sound[start : start + WINDOW : STRIDE]
            self._windows.append(sum(map(mul, some, some)) / len(some))

    @property
    def milliseconds(self) -> int:
        return round(self.samples * 1000 / RATE)

    def steps(self) -> bytes:
        """64 numbers from 0 to 100, the loudest part being 100; silence is 0."""
        loudness = [self._loudness(step) for step in range(WAVEFORM_STEPS)]
        loudest = max(loudness) or 1.0
        return bytes(round(LOUDEST * each / loudest) for each in loudness)

    def _loudness(self, step: int) -> float:
        count = len(self._windows)
        if not count:
            return 0.0
        first = step * count // WAVEFORM_STEPS
        last = max(first + 1, (step + 1) * count // WAVEFORM_STEPS)
        part = self._windows[first:last]
        return math.sqrt(sum(part) / len(part))
