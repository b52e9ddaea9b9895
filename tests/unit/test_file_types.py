from __future__ import annotations

import io
import zipfile

from connector.domain.media import OCTETS
from connector.file_types import sniffed


def packed(*names: str, mime_type: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if mime_type:
            archive.writestr("mimetype", mime_type)
        for name in names:
            archive.writestr(name, "<x/>")
    return file.getvalue()


def film(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mp42isom" + bytes(200)


def sound(codec: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\1\x13" + codec + bytes(200)


WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


HEADS = [
    (bytes.fromhex("ffd8ffe000104a464946") + bytes(50), "image/jpeg"),
    (bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(50), "image/png"),
    (b"GIF89a" + bytes(50), "image/gif"),
    (b"RIFF\x10\x20\0\0WEBPVP8X" + bytes(50), "image/webp"),
    (film(b"isom"), "video/mp4"),
    (film(b"mp42"), "video/mp4"),
    (film(b"iso5"), "video/mp4"),
    (film(b"M4A "), "audio/mp4"),
    (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(50), "video/quicktime"),
    (sound(b"OpusHead"), "audio/ogg"),
    (b"ID3\3" + bytes(50), "audio/mpeg"),
    (b"\xff\xf1\x50\x80" + bytes(50), "audio/aac"),
    (b"#!AMR\n" + bytes(50), "audio/amr"),
    (b"RIFF\x10\x20\0\0WAVEfmt " + bytes(50), "audio/wav"),
    (b"%PDF-1.7\n" + bytes(50), "application/pdf"),
    (packed("a.txt"), "application/zip"),
    (packed("[Content_Types].xml", "_rels/.rels", "word/document.xml"), WORD),
    (b"hello\n" * 50, OCTETS),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", OCTETS),
    (b"<!DOCTYPE html><html></html>", OCTETS),
    (b"x", OCTETS),
    (b"", OCTETS),
]


def test_a_type_is_told_by_the_first_bytes() -> None:
    for head, mime_type in HEADS:
        assert sniffed(head) == mime_type, head
