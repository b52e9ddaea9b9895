"""What happens to messages afterwards: edits, deletions, reactions, votes.

Each names its message by WhatsApp's id and may arrive before it, twice, or in any order;
who may do what is decided where the message is: in Postgres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.addresses import Jid
from connector.domain.messages import Chat, Json, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The author's new words for a message of theirs."""

    chat: Chat
    whatsapp_id: str  # of the message
    from_me: bool  # whether it is ours
    sender: Person
    edit_id: str  # of this edit; it is what redelivery repeats
    body: str | None
    content: Mapping[str, Json] = field(default_factory=dict)
    mentions: tuple[Jid, ...] = ()
    edited_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Deleted for everyone: by its author, or by an admin of the group."""

    chat: Chat
    whatsapp_id: str
    from_me: bool  # whether the message is ours
    author: Person | None  # of the message, as far as the deletion says
    revoked_by: Person
    by_admin: bool  # WhatsApp has checked that the one who did it is one
    revoked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One person's emoji for one message; empty: taken back."""

    chat: Chat
    whatsapp_id: str
    sender: Person
    from_me: bool  # whether the reaction is ours
    emoji: str
    reacted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's present choice in a poll; each vote replaces the one before."""

    chat: Chat
    whatsapp_id: str  # of the poll
    voter: Person
    from_me: bool  # whether the vote is ours
    # SHA-256 of each chosen option's text; empty: taken back; None: not decryptable.
    options: tuple[bytes, ...] | None
    voted_at: datetime
