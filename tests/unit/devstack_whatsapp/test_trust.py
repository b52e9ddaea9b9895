from __future__ import annotations

import struct

import pytest

from devstack.whatsapp.trust.trust_root import (
    WHATSAPP_ROOT_KEY,
    CannotTrust,
    Segment,
    load_segments,
    offset_of_root_key,
    replace_root_key,
    virtual_address,
)

SEGMENTS = [Segment(0, 0, 0x1000), Segment(0x1000, 0x2000, 0x800)]


def elf(segments: list[Segment]) -> bytes:
    """A library with nothing but a header and its table of segments."""
    header = b"\x7fELF\x02\x01".ljust(32, b"\x00") + struct.pack("<Q", 64)
    header += bytes(14) + struct.pack("<HH", 56, len(segments) + 1)
    entries = [struct.pack("<IIQQQQ", 6, 4, 64, 64, 64, 56)]  # not to be loaded
    entries += [
        struct.pack("<IIQQQQ", 1, 6, offset, address, address, size)
        for offset, address, size in segments
    ]
    return header.ljust(64, b"\x00") + b"".join(e.ljust(56, b"\x00") for e in entries)


def test_the_loaded_segments_are_read_from_the_program_headers() -> None:
    assert load_segments(elf(SEGMENTS)) == SEGMENTS
    assert virtual_address(SEGMENTS, 0x1010) == 0x2010


def test_a_key_outside_every_segment_is_refused() -> None:
    with pytest.raises(CannotTrust):
        virtual_address(SEGMENTS, 0x1800)


def test_another_kind_of_library_is_refused() -> None:
    with pytest.raises(CannotTrust):
        load_segments(b"MZ" + bytes(100))


@pytest.mark.parametrize("times", [0, 2])
def test_the_key_must_occur_exactly_once(times: int) -> None:
    with pytest.raises(CannotTrust):
        offset_of_root_key(WHATSAPP_ROOT_KEY * times)


def test_the_emulators_key_must_be_a_key() -> None:
    with pytest.raises(CannotTrust):
        replace_root_key(b"short")
