"""Contacts that somebody passes on, as vCards of their own making."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.reading.content.said import CONTACT, Said, given, line
from connector.domain.messages import Json

MOST_CONTACTS: Final = 100
MOST_PHONES: Final = 20
_LONGEST_CARD: Final = 8_192  # characters; longer ones hold a photo and are left out
_LONGEST_READ: Final = 65_536
_LONGEST_PHONE: Final = 32
_PHONE: Final = re.compile(
    r"(?im)^(?:item[0-9]+\.)?TEL([^:\r\n]{0,200}):([^\r\n]{1,64})"
)
_WHATSAPP_NUMBER: Final = re.compile(r"(?i)waid=\+?([0-9]{5,20})")


def contact(part: Any) -> Said:
    return _contacts((part,), part.displayName)


def contacts(part: Any) -> Said:
    return _contacts(part.contacts[:MOST_CONTACTS], part.displayName)


def _contacts(cards: Iterable[Any], name: str | bytes) -> Said:
    return Said(CONTACT, line(name), {"contacts": [_card(card) for card in cards]})


def _card(part: Any) -> Json:
    text = clean(part.vcard, _LONGEST_READ)
    return given(
        name=clean(part.displayName, LONGEST_NAME) or None,
        phones=_phones(text),
        vcard=text if 0 < len(text) <= _LONGEST_CARD else None,
    )


def _phones(card: str) -> list[Json]:
    """WhatsApp's own form of a number where the card has it, else as it is written."""
    found: dict[str, None] = {}
    for parameters, written in _PHONE.findall(card):
        known = _WHATSAPP_NUMBER.search(parameters)
        found[f"+{known[1]}" if known else written.strip()[:_LONGEST_PHONE]] = None
        if len(found) == MOST_PHONES:
            break
    return list(found)
