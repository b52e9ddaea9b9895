"""The first link of a text: what its preview is of."""

from __future__ import annotations

import re
from typing import Final

# With a scheme: a preview is only made of what an app asks for, so nothing is guessed.
_LINK: Final = re.compile(r"https?://[^\s<>\"]{1,2048}", re.IGNORECASE)
_PUNCTUATION: Final = ".,;:!?'*_~)]}"


def first_link(text: str) -> str | None:
    """Without the punctuation and the marks of WhatsApp that may stand behind it."""
    match = _LINK.search(text)
    if match is None:
        return None
    link = match[0]
    while link and link[-1] in _PUNCTUATION and not _closes(link):
        link = link[:-1]
    return link


def _closes(link: str) -> bool:
    """Whether its last character ends a bracket that was opened within the link."""
    opening = {")": "(", "]": "[", "}": "{"}.get(link[-1])
    return opening is not None and link.count(opening) >= link.count(link[-1])
