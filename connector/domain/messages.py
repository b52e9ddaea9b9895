"""What a conversation is made of, in our own words: messages, receipts, people.

Adapters translate WhatsApp's protobufs into these; ingestion stores them. All times
are timezone-aware UTC.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from connector.domain.addresses import Jid

Json: TypeAlias = (
    "str | int | float | bool | None | Sequence[Json] | Mapping[str, Json]"
)


class ChatKind(enum.StrEnum):
    """Stored verbatim in `wa_chats.kind`."""

    DIRECT = "direct"
    GROUP = "group"


class Source(enum.StrEnum):
    """How a message reached us; stored verbatim in `wa_messages.source`."""

    LIVE = "live"
    HISTORY = "history"
    OUTBOX = "outbox"
    PHONE = "phone"


class Status(enum.StrEnum):
    """How far a message got; stored verbatim in `wa_messages.status`."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Both addresses of one person, as far as they are known; at least one is."""

    lid: Jid | None = None
    phone: Jid | None = None

    @property
    def jid(self) -> Jid:
        """The canonical address: the LID once it is known."""
        known = self.lid or self.phone
        if known is None:
            raise ValueError("a person needs an address")
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Where a message belongs: one person, or a group."""

    jid: Jid
    kind: ChatKind
    alias: Jid | None = None  # a direct chat's other address
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    whatsapp_id: str
    chat: Chat
    from_me: bool
    sender: Person
    sender_name: str | None  # the push name that came with the message
    kind: str  # "text"; other kinds carry their protobuf field's name
    body: str | None
    sent_at: datetime
    source: Source
    status: Status
    content: Mapping[str, Json] = field(default_factory=dict)
    quoted_whatsapp_id: str | None = None
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A tick: `participant` got, read or played our messages of one chat."""

    chat: Chat
    whatsapp_ids: tuple[str, ...]
    participant: Person
    status: Status  # DELIVERED, READ or PLAYED
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person's own name for themselves."""

    person: Person
    push_name: str


Incoming: TypeAlias = Message | Receipt | Profile
