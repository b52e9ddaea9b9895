"""What a row has become once it is ready to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage, OutgoingRead, Typing


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMessage:
    to: Jid
    message: OutgoingMessage
    typing: Typing = Typing.TYPING
    typing_for: timedelta = timedelta(0)  # shown before it


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReads:
    """One of each sender; none when everything has been read."""

    reads: tuple[OutgoingRead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTyping:
    chat: Jid
    typing: Typing
    lasting: timedelta


Prepared: TypeAlias = PreparedMessage | PreparedReads | PreparedTyping


def acts_alone(prepared: Prepared) -> bool:
    """Whether it is more, or something else, than a message that leaves."""
    return not isinstance(prepared, PreparedMessage) or bool(prepared.typing_for)
