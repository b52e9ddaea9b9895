"""The file that a number travels in: whole and with its key, or not at all."""

from __future__ import annotations

import io

import pytest

from connector.keys.exported import (
    PAGES_A_PART,
    PURPOSE,
    ExportReader,
    ExportUnusable,
    ExportWriter,
    Header,
)
from connector.sealing import Sealer, key_id

KEY, OTHER_KEY = bytes(range(32)), bytes(range(32, 64))
PAGE = 512
COUNT = PAGES_A_PART + 3
PAGES = [b"SQLite format 3\0".ljust(PAGE, b".")] + [
    bytes([number % 256]) * PAGE for number in range(1, COUNT)
]
START = 16 + 1 + 16  # what stands in front of the parts


def exported(*, key: bytes = KEY, pages: list[bytes] = PAGES) -> bytes:
    file = io.BytesIO()
    header = Header(
        session_id="ana",
        exported_at="2026-01-01T00:00:00+00:00",
        page_size=PAGE,
        page_count=len(pages),
    )
    writer = ExportWriter(file, Sealer([key], PURPOSE), header)
    for first in range(0, len(pages), PAGES_A_PART):
        writer.add(pages[first : first + PAGES_A_PART])
    return file.getvalue()


def read(content: bytes, *keys: bytes) -> list[bytes]:
    reader = ExportReader(io.BytesIO(content), Sealer(keys or (KEY,), PURPOSE))
    return [page for part in reader.pages() for page in part]


def parts(content: bytes) -> list[bytes]:
    found, at = [content[:START]], START
    while at < len(content):
        end = at + 4 + int.from_bytes(content[at : at + 4])
        found.append(content[at:end])
        at = end
    return found


def test_what_was_exported_is_read_with_its_key() -> None:
    assert read(exported()) == PAGES
    assert read(exported(), OTHER_KEY, KEY) == PAGES


def test_a_wrong_key_is_named_with_the_cure() -> None:
    with pytest.raises(ExportUnusable, match=f"key {key_id(KEY).hex()}.*--key-file"):
        read(exported(), OTHER_KEY)


def test_a_key_of_another_purpose_opens_nothing() -> None:
    with pytest.raises(ExportUnusable):
        ExportReader(io.BytesIO(exported()), Sealer([KEY]))


def test_a_file_that_was_cut_anywhere_is_refused() -> None:
    content = exported()
    ends = {*range(17, len(content), 97), len(content) - 1}
    ends |= {len(b"".join(parts(content)[:count])) for count in range(1, 4)}

    for end in ends:
        with pytest.raises(ExportUnusable, match="copied whole"):
            read(content[:end])


def test_parts_that_are_exchanged_repeated_or_anothers_are_refused() -> None:
    start, header, first, second = parts(exported())
    _, _, theirs, _ = parts(exported())
    put_together = [
        (start, header, second, first),
        (start, header, first, first),
        (start, header, theirs, second),
        (start, first, second),
        (start, header, first, second, second),
    ]

    for pieces in put_together:
        with pytest.raises(ExportUnusable, match="put together"):
            read(b"".join(pieces))


def test_a_changed_byte_is_noticed() -> None:
    content = exported()
    for at in range(START + 9, len(content), 211):
        changed = bytearray(content)
        changed[at] ^= 1
        with pytest.raises(ExportUnusable):
            read(bytes(changed))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no exported session"),
        (b"SQLite format 3\0" * 10, "no exported session"),
        (b"ZAPBASE SESSION\n\x02" + bytes(100), "format 2.*newer"),
        (b"ZAPBASE SESSION\n\x01" + bytes(16) + b"\xff" * 8, "changed"),
    ],
)
def test_other_files_are_refused_with_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(ExportUnusable, match=sentence):
        read(content)


def test_what_is_no_database_is_refused() -> None:
    with pytest.raises(ExportUnusable):
        read(exported(pages=[b"x" * PAGE]))
