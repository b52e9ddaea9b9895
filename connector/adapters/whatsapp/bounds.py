"""Hostile input made harmless: text, ids and moments as Postgres and people can take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_NAME: Final = 256  # characters of a push name, file name or title
LONGEST_ID: Final = 128  # characters of a message id or address
FIRST_MOMENT: Final = datetime(2009, 1, 1, tzinfo=UTC)  # WhatsApp's founding year
FASTEST_CLOCK: Final = timedelta(days=1)  # how far ahead of ours another may be
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def clean(text: str | bytes, longest: int) -> str:
    """Cut, and make fit for Postgres: no NUL, always valid Unicode."""
    if isinstance(text, bytes):  # what protobuf gives for invalid UTF-8
        text = text.decode(errors="replace")
    return text[:longest].replace("\0", "")


def whatsapp_id(text: str | bytes) -> str:
    """Raises ValueError: without its id a message cannot be told from its copy."""
    name = clean(text, LONGEST_ID)
    if not name:
        raise ValueError("no message id")
    return name


def moment(value: int, unit: timedelta, received_at: datetime) -> datetime:
    """Read a timestamp; an absurd one becomes the nearest that is not."""
    if value <= 0:
        return received_at
    latest = received_at + FASTEST_CLOCK
    if value > (latest - _EPOCH) / unit:
        return latest
    return max(FIRST_MOMENT, _EPOCH + value * unit)
