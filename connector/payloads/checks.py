"""What pydantic has no constraint for."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final

from connector.domain.addresses import LID_SERVER, PHONE_SERVER, Jid
from connector.errors import InvalidAddress
from connector.payloads.model import refuse

# WhatsApp cuts longer texts off, or drops them, depending on the recipient's app.
LONGEST_TEXT: Final = 65_536
LARGEST_INLINE: Final = 65_536  # bytes
_WHITESPACE: Final = re.compile(r"\s")


def person(text: str) -> Jid:
    """The address of a phone number or JID. Raises InvalidAddress."""
    jid = Jid.parse(text) if "@" in text else Jid.of_phone(text)
    if jid.server not in (PHONE_SERVER, LID_SERVER):
        raise InvalidAddress
    return jid


def of_person(text: str) -> str:
    try:
        person(text)
    except InvalidAddress:
        raise ValueError from None
    return text


def phone_number(text: str) -> str:
    try:
        Jid.of_phone(text)
    except InvalidAddress:
        raise ValueError from None
    return text


def not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def readable(text: str) -> str:
    if not text.strip():
        raise refuse(
            "payload.text is empty: write at least one character.", "text_empty"
        )
    if len(text) > LONGEST_TEXT:
        raise refuse(
            f"payload.text has {len(text):,} characters: at most {LONGEST_TEXT:,} can be "
            "sent in one message.",
            "text_too_long",
        )
    return text


def inside_bucket(path: str) -> str:
    """No segment that climbs out of the folder which the workspace may read."""
    if any(segment in ("", ".", "..") for segment in path.split("/")):
        raise ValueError
    return path


def decodable(text: str) -> str:
    # binascii.Error is a ValueError.
    if not 0 < len(b64decode(text, validate=True)) <= LARGEST_INLINE:
        raise ValueError
    return text


def an_emoji(text: str) -> str:
    if text and (text.isascii() or _WHITESPACE.search(text)):
        raise ValueError
    return text


def distinct(options: tuple[str, ...]) -> tuple[str, ...]:
    # A vote names the hash of its option's text: equal ones would share their votes.
    if len(set(options)) < len(options):
        raise ValueError
    return options
