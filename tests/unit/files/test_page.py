"""What a page says of itself."""

from __future__ import annotations

import pytest

from connector.adapters.files.page import LONGEST_TITLE, Page, read

FULL = """<!doctype html><html><head><title>Plain</title>
<META PROPERTY='og:title' CONTENT='Fish &amp; "chips" > peas'>
<meta property="og:description" content="Fresh
  every   day">
<meta property="og:image" content="/fish.jpg"><meta property="og:image" content="/2.jpg">
</head><body><meta name="description" content="other"></body>"""


def test_what_a_page_says_for_previews_comes_first() -> None:
    assert read(FULL.encode(), None) == Page(
        title='Fish & "chips" > peas', description="Fresh every day", image="/fish.jpg"
    )


@pytest.mark.parametrize(
    ("html", "title", "description"),
    [
        ("<title>A &lt;b&gt;</title><meta name=description content=c>", "A <b>", "c"),
        ("<title\n lang=pt>Olá</title>", "Olá", None),
        ("<title>a\u202eb\0\x07</title>", "ab", None),
        ("<meta property=og:title content='only this'>", "only this", None),
    ],
)
def test_a_plain_page_has_a_title(
    html: str, title: str, description: str | None
) -> None:
    page = read(html.encode(), None)

    assert page is not None
    assert (page.title, page.description, page.image) == (title, description, None)


@pytest.mark.parametrize("html", ["", "<title></title>", "<title> \n</title>", "text"])
def test_a_page_without_a_title_has_no_preview(html: str) -> None:
    assert read(html.encode(), None) is None


@pytest.mark.parametrize(
    ("html", "charset"),
    [
        ("<title>Olá</title>".encode("latin-1"), "iso-8859-1"),
        ('<meta charset="latin-1"><title>Olá</title>'.encode("latin-1"), None),
        ("<title>Olá</title>".encode(), "no-such-charset"),
        ("<title>Olá</title>".encode(), "hex"),
    ],
)
def test_a_page_is_read_in_its_own_letters(html: bytes, charset: str | None) -> None:
    page = read(html, charset)

    assert page is not None
    assert page.title == "Olá"


def test_what_is_said_is_cut() -> None:
    page = read(f"<title>{'x' * 5000}</title>".encode(), None)

    assert page is not None
    assert len(page.title) == LONGEST_TITLE


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "made_to_be_slow",
    [b"<meta ", b'<meta "', b"<meta a='", b"<title ", b"<title>", b"<!", b"<meta '\""],
)
def test_no_page_takes_long(made_to_be_slow: bytes) -> None:
    assert read(made_to_be_slow * (256 * 1024 // len(made_to_be_slow)), None) is None
