"""What neonize's sentences about an unanswered question mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from connector.errors import LookupRefusal, LookupRefused, NotConnected

_STATUS = re.compile(r"info query returned status (\d{3})\b")
_BY_STATUS: Final[Mapping[int, LookupRefusal]] = {
    HTTPStatus.UNAUTHORIZED: LookupRefusal.FORBIDDEN,
    HTTPStatus.FORBIDDEN: LookupRefusal.FORBIDDEN,
    HTTPStatus.NOT_FOUND: LookupRefusal.NOT_FOUND,
    HTTPStatus.GONE: LookupRefusal.NOT_FOUND,
    420: LookupRefusal.RATE_LIMITED,
    HTTPStatus.TOO_MANY_REQUESTS: LookupRefusal.RATE_LIMITED,
}
# whatsmeow's own words for the refusals it knows (errors.go).
_SENTENCES: Final = (
    ("websocket not connected", None),
    ("websocket disconnected", None),
    ("does not have a profile picture", LookupRefusal.NOT_FOUND),
    ("hidden their profile picture", LookupRefusal.FORBIDDEN),
    ("that group does not exist", LookupRefusal.NOT_FOUND),
    ("not participating in that group", LookupRefusal.FORBIDDEN),
    ("rate-overlimit", LookupRefusal.RATE_LIMITED),
    ("timed out", LookupRefusal.TIMEOUT),
)


def look_up_error(text: str) -> LookupRefused | NotConnected:
    """Classify what a question failed with."""
    for words, reason in _SENTENCES:
        if words in text:
            return NotConnected() if reason is None else LookupRefused(reason)
    match = _STATUS.search(text)
    status = int(match[1]) if match else 0
    return LookupRefused(_BY_STATUS.get(status, LookupRefusal.FAILED))
