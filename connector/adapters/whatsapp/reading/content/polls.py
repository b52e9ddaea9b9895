"""Polls and events: what a group decides on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from connector.adapters.whatsapp.bounds import clean
from connector.adapters.whatsapp.reading.content.places import place
from connector.adapters.whatsapp.reading.content.said import (
    EVENT,
    LONGEST_TEXT,
    POLL,
    Said,
    given,
    link,
    with_text,
)

MOST_OPTIONS: Final = 64  # WhatsApp allows twelve
_LAST_MOMENT: Final = 4_102_444_800  # 2100, in seconds
_MILLISECONDS: Final = 1_000


def poll(part: Any) -> Said:
    """Each option is kept whole: its votes name it by the SHA-256 of its text."""
    options = [
        clean(option.optionName, LONGEST_TEXT)
        for option in part.options[:MOST_OPTIONS]
        if len(option.optionName) <= LONGEST_TEXT // MOST_OPTIONS
    ]
    content = given(
        options=options,
        selectable=min(part.selectableOptionsCount, len(options)),
        ends_at=_instant(part.endTime),
    )
    return with_text(POLL, part.name, content)


def event(part: Any) -> Said:
    content = given(
        description=clean(part.description, LONGEST_TEXT // 4) or None,
        starts_at=_instant(part.startTime),
        ends_at=_instant(part.endTime),
        join_link=link(part.joinLink),
        location=place(part.location) if part.HasField("location") else None,
        cancelled=True if part.isCanceled else None,
    )
    return with_text(EVENT, part.name, content)


def _instant(value: int) -> str | None:
    """A moment that somebody plans, in seconds or milliseconds."""
    if value > _LAST_MOMENT:
        value //= _MILLISECONDS
    if not 0 < value <= _LAST_MOMENT:
        return None
    return datetime.fromtimestamp(value, UTC).isoformat()
