"""Plain texts and texts with a link."""

from __future__ import annotations

from typing import Any

from connector.adapters.whatsapp.reading.content.said import (
    TEXT,
    Said,
    data_uri,
    given,
    line,
    link,
    with_text,
)


def conversation(text: str | bytes) -> Said:
    return with_text(TEXT, text, {})


def extended(part: Any) -> Said:
    said = with_text(TEXT, part.text, {})
    if part.matchedText:
        said.content["link_preview"] = given(
            url=link(part.matchedText),
            title=line(part.title),
            description=line(part.description),
            thumbnail=data_uri(part.JPEGThumbnail),
        )
    return said
