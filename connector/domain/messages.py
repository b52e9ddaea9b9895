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
    STATUS = "status"  # everybody's status updates
    NEWSLETTER = "newsletter"


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
    """Where a message belongs: one person, a group, or what only speaks to us."""

    jid: Jid
    kind: ChatKind
    alias: Jid | None = None  # a direct chat's other address
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A message's file, as its sender describes it, and what it takes to fetch it."""

    media_type: str  # image, video, audio, document or sticker: WhatsApp's key scheme
    direct_path: str
    media_key: bytes = field(repr=False)  # 32 bytes
    file_sha256: bytes  # of the file; 32 bytes
    file_enc_sha256: bytes  # of the encrypted file; 32 bytes
    size_bytes: int | None = None
    mime_type: str | None = None  # a claim
    file_name: str | None = None  # for display, never a path
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    waveform: tuple[int, ...] = ()  # 64 steps from 0 to 100
    thumbnail: bytes | None = field(default=None, repr=False)  # a small JPEG


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """docs/messages.md says for each kind what `content` holds."""

    whatsapp_id: str
    chat: Chat
    from_me: bool
    sender: Person
    sender_name: str | None  # the push name that came with the message
    kind: str  # text, image, ..., system, view_once, undecryptable, unsupported
    body: str | None
    sent_at: datetime
    source: Source
    status: Status
    content: Mapping[str, Json] = field(default_factory=dict)
    quoted_whatsapp_id: str | None = None
    mentions: tuple[Jid, ...] = ()
    attachment: Attachment | None = None
    expires_at: datetime | None = None  # of a disappearing message


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A tick: `participant` got, read or played our messages of one chat."""

    chat: Chat
    whatsapp_ids: tuple[str, ...]
    participant: Person
    status: Status  # DELIVERED, READ or PLAYED
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRead:
    """We read a chat on another of our devices; what came before `at` is not unread."""

    chat: Chat
    at: datetime
