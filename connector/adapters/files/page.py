"""What a web page says of itself, as far as a link's preview shows it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from itertools import islice
from typing import Final

LONGEST_TITLE: Final = 300
LONGEST_DESCRIPTION: Final = 600
LONGEST_ADDRESS: Final = 2_048
_CHARSET: Final = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]+)", re.IGNORECASE
)
_LOOKED_AT: Final = 2_048  # bytes; where a page must say its charset
# html.parser is slow with what is made to be: it gets only whole elements, none of them
# long. Nothing here is tried in two ways.
_META: Final = re.compile(
    r"""<meta\s(?:[^<>"']{1,500}+|"[^"]{0,4000}+"|'[^']{0,4000}+'){1,40}+>""",
    re.IGNORECASE,
)
_MOST_METAS: Final = 200
_TITLE: Final = re.compile(r"<title[^<>]{0,200}+>([^<]{1,2000}+)", re.IGNORECASE)
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    title: str
    description: str | None
    image: str | None  # an address, perhaps relative


def read(html: bytes, charset: str | None) -> Page | None:
    """None when it has no title. Takes time in proportion to the page, whatever it holds."""
    text = _decoded(html, charset)
    parser = _Metas()
    for element in islice(_META.finditer(text), _MOST_METAS):
        parser.feed(element[0])
    found = parser.found
    plain = _TITLE.search(text)
    title = found.get("og:title") or (unescape(plain[1]) if plain else None)
    if not (shown := _line(title, LONGEST_TITLE)):
        return None
    described = found.get("og:description") or found.get("description")
    return Page(
        title=shown,
        description=_line(described, LONGEST_DESCRIPTION),
        image=_address(found.get("og:image:secure_url") or found.get("og:image")),
    )


class _Metas(HTMLParser):
    """The first of each name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = (given.get("property") or given.get("name") or "").lower()
        if tag == "meta" and name and (content := given.get("content")):
            self.found.setdefault(name, content)


def _decoded(html: bytes, charset: str | None) -> str:
    told = charset
    if told is None and (match := _CHARSET.search(html[:_LOOKED_AT])):
        told = match[1].decode("ascii")
    try:
        codecs.lookup(told or "utf-8")
        return html.decode(told or "utf-8", "replace")
    except (LookupError, ValueError):
        return html.decode("utf-8", "replace")


def _line(text: str | None, longest: int) -> str | None:
    """One line of what can be seen."""
    spaced = _SPACES.sub(" ", text or "").strip()
    return "".join(each for each in spaced if each.isprintable())[:longest] or None


def _address(text: str | None) -> str | None:
    told = (text or "").strip()
    return told if 0 < len(told) <= LONGEST_ADDRESS else None
