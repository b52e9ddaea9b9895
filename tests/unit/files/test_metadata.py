"""What is taken out of pictures, and what is left exactly as it was."""

from __future__ import annotations

import struct

import pytest

from connector.adapters.files.convert import jpeg, png
from connector.adapters.files.convert.prepared import Unsupported


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack("!H", len(body) + 2) + body


START, END = b"\xff\xd8", b"\xff\xd9"
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
EXIF = segment(0xE1, b"Exif\0\0somewhere in Lisbon")
XMP = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
COLOURS = segment(0xE2, b"ICC_PROFILE\0\1\1profile")
MORE_PICTURES = segment(0xE2, b"MPF\0offsets")
IPTC = segment(0xED, b"Photoshop 3.0\0author")
ADOBE = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
COMMENT = segment(0xFE, b"made by Ana")
TABLES = segment(0xDB, bytes(65)) + segment(0xC0, bytes(15)) + segment(0xC4, bytes(20))
# A zero is stuffed after FF; restarts, and markers among scans, belong to the picture.
SCANS = (
    segment(0xDA, bytes(10))
    + b"pixels\xff\x00pixels\xff\xd0pixels\xff\xff\x00"
    + segment(0xC4, bytes(20))
    + segment(0xDA, bytes(6))
    + b"\xff\xd7more\xff\x00"
)


def joined(pieces: object) -> bytes:
    return b"".join(pieces)  # type: ignore[arg-type]


def test_a_picture_that_tells_nothing_is_sent_as_it_is() -> None:
    plain = START + JFIF + COLOURS + ADOBE + TABLES + SCANS + END

    assert jpeg.without_metadata(plain, 1) is None


@pytest.mark.parametrize("told", [EXIF, XMP, MORE_PICTURES, IPTC, COMMENT])
def test_what_tells_too_much_is_taken_out(told: bytes) -> None:
    plain = START + JFIF + COLOURS + ADOBE + TABLES + SCANS + END
    telling = START + JFIF + told + COLOURS + told + ADOBE + TABLES + told + SCANS + END

    assert joined(jpeg.without_metadata(telling, 1)) == plain


def test_what_stands_behind_the_picture_is_taken_off() -> None:
    plain = START + JFIF + TABLES + SCANS + END

    assert joined(jpeg.without_metadata(plain + START + EXIF + END, 1)) == plain


@pytest.mark.parametrize("before", [b"", JFIF])
def test_how_it_is_to_be_turned_stays(before: bytes) -> None:
    told = START + before + EXIF + TABLES + SCANS + END

    kept = joined(jpeg.without_metadata(told, 6))

    turned = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    assert kept == START + before + segment(0xE1, turned) + TABLES + SCANS + END


WHOLE = START + JFIF + EXIF + TABLES + SCANS + END


def test_a_jpeg_that_is_cut_off_is_refused_wherever_it_is() -> None:
    for size in range(len(WHOLE)):
        with pytest.raises(Unsupported):
            jpeg.without_metadata(WHOLE[:size], 1)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + name + body + b"crc!"


SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER, PIXELS, LAST = (
    chunk(b"IHDR", bytes(13)),
    chunk(b"IDAT", b"x"),
    chunk(b"IEND", b""),
)
PLAIN_PNG = SIGNATURE + HEADER + PIXELS + LAST


def test_a_png_loses_its_texts_and_what_follows_it() -> None:
    told = (
        chunk(b"tEXt", b"Author\0Ana") + chunk(b"eXIf", b"Lisbon") + chunk(b"tIME", b"")
    )
    telling = SIGNATURE + HEADER + told + PIXELS + told + LAST + b"trailing"

    assert png.without_metadata(PLAIN_PNG) is None
    assert joined(png.without_metadata(telling)) == PLAIN_PNG


def test_a_png_that_is_cut_off_is_refused_wherever_it_is() -> None:
    for size in range(len(SIGNATURE), len(PLAIN_PNG)):
        with pytest.raises(Unsupported):
            png.without_metadata(PLAIN_PNG[:size])
