"""The picture of a voice note."""

from __future__ import annotations

from array import array

from connector.adapters.files.convert.waveform import RATE, Waveform


def loud(*parts: tuple[int, int]) -> Waveform:
    """Of so many samples of each loudness, given in pieces of an odd length."""
    sound = array("h", [value for count, value in parts for _ in range(count)])
    waveform = Waveform()
    for start in range(0, len(sound), 1_234):
        waveform.add(memoryview(sound[start : start + 1_234]))
    return waveform


def test_the_loudest_part_is_100_and_the_others_are_in_proportion() -> None:
    steps = loud((RATE, 0), (RATE, 10_000), (RATE, 20_000), (RATE, -5_000)).steps()

    assert len(steps) == 64
    middles = [steps[at] for at in (8, 24, 40, 56)]
    assert middles == [0, 50, 100, 25]


def test_silence_is_flat() -> None:
    assert loud((RATE, 0)).steps() == bytes(64)


def test_what_is_shorter_than_its_steps_still_has_all_of_them() -> None:
    assert loud((7, 30_000)).steps() == bytes([100] * 64)
    assert loud().steps() == bytes(64)


def test_how_long_it_lasts_is_counted() -> None:
    assert loud((RATE + RATE // 2, 1)).milliseconds == 1500
