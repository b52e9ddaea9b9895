"""What reading an event takes, and what comes of one that cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError

from connector.domain.addresses import Jid
from connector.domain.messages import Person
from connector.errors import InvalidAddress

# The secret of a message, by its chat, its sender and its id.
SecretOf = Callable[[Jid, Jid, str], bytes | None]


# What reading raises for what makes no sense; anything else is a mistake of ours.
SENSELESS: Final = (DecodeError, InvalidAddress, ValueError, OverflowError)
# Not the event's fault: the store that secrets are read from, the disk, memory.
HINDRANCES: Final = (sqlite3.Error, OSError, MemoryError)


class Poison(Exception):
    """An event that is not what WhatsApp sends; its text never quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One part of an event that makes no sense, though the rest of it does."""

    code: int
    raw: bytes = field(repr=False)  # an event of this code that holds only this part
    reason: str  # never quotes it


def _no_secret(_chat: Jid, _sender: Jid, _whatsapp_id: str) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRules:
    """What a session wants to know of, and what it takes to read it."""

    history_days: int = 14
    ignore_status: bool = True
    ignore_newsletters: bool = True
    ignore_calls: bool = True
    own: Person | None = None  # whose number this is, when that is known
    secret_of: SecretOf = _no_secret  # of votes, and of what else is sealed with one
