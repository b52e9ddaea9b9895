"""Everything that is stored as it comes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import ChatUpdate, MemberChange, Profile, Roster, Stale
from connector.domain.messages import Message, OwnRead, Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryProgress:
    """The end of one piece of history: everything before it belongs to it."""

    percent: int  # 0 to 100, as the phone says
    done: bool  # it was the last piece


Incoming: TypeAlias = (
    Message
    | Receipt
    | OwnRead
    | Edit
    | Revocation
    | Reaction
    | Vote
    | Profile
    | ChatUpdate
    | MemberChange
    | Roster
    | Stale
    | HistoryProgress
)


def furthest(incoming: Iterable[Incoming]) -> HistoryProgress | None:
    """The most that any piece says: fetched late, one may come after the last one."""
    pieces = [item for item in incoming if isinstance(item, HistoryProgress)]
    if not pieces:
        return None
    return max(pieces, key=lambda piece: (piece.done, piece.percent))
