"""What a document is called, and of what type it is said to be."""

from __future__ import annotations

import pytest

from connector.adapters.files.documents import facts
from connector.domain.outgoing import FileFacts

PDF, ZIP, TEXT = b"%PDF-1.7\n", b"PK\x03\x04" + bytes(40), b"a;b\n1;2\n"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("head", "claimed", "name", "of_source", "mime_type"),
    [
        (PDF, "", "x", None, "application/pdf"),
        (PDF, "", "x.txt", "text/plain", "application/pdf"),
        (ZIP, "", "x.xlsx", None, SHEET),
        (ZIP, "", "x", None, "application/zip"),
        (TEXT, "", "x.csv", None, "text/csv"),
        (TEXT, "", "x", "text/csv; charset=utf-8", "text/csv"),
        (TEXT, "", "x", "text/plain", "text/plain"),
        (TEXT, "", "x.md", None, "text/markdown"),
        (TEXT, "", "x", None, "application/octet-stream"),
        (TEXT, "Application/X-Own", "x.csv", "text/csv", "application/x-own"),
        (TEXT, "application/octet-stream", "x.csv", None, "text/csv"),
        (TEXT, "no type\r\n", "x.csv", None, "text/csv"),
    ],
)
def test_its_type_is_what_the_app_says_or_what_tells_most(
    head: bytes, claimed: str, name: str, of_source: str | None, mime_type: str
) -> None:
    told = FileFacts(mime_type=claimed)

    found = facts(head, told, source_name=name, source_type=of_source)

    assert found.mime_type == mime_type


@pytest.mark.parametrize(
    ("claimed", "of_source", "name"),
    [
        ("Invoice 7.pdf", "w/s/0c3f.bin", "Invoice 7.pdf"),
        (None, "w/s/report.pdf", "report.pdf"),
        ("../../etc/passwd", "x", "passwd.pdf"),
        ("a\u202efdp.exe", "x", "afdp.exe"),
        ("Invoice", "x.pdf", "Invoice.pdf"),
        (None, "", "file.pdf"),
        (None, "...", "....pdf"),
        ("x" * 300, "", "x" * 252 + ".pdf"),
    ],
)
def test_its_name_is_no_path_and_ends_as_its_type_does(
    claimed: str | None, of_source: str, name: str
) -> None:
    told = FileFacts(mime_type="", file_name=claimed)

    found = facts(PDF, told, source_name=of_source, source_type=None)

    assert found.file_name == name
