"""The messages that an outbox row speaks of, as the database knows them when it is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing.content import OutgoingFile


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file in Storage."""

    bucket: str
    path: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMessage:
    """A row of `wa_messages`."""

    id: str
    whatsapp_id: str | None  # None: it was never sent
    from_me: bool
    author: Jid | None  # ours too
    chat: Jid
    kind: str
    body: str | None
    content: Mapping[str, Json]
    sent_at: datetime
    revoked: bool
    # For forwarding: what WhatsApp still has, and what we have.
    file: OutgoingFile | None = None
    stored: StoredFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A message of somebody else's that nobody has read here."""

    whatsapp_id: str
    author: Jid


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What `payload.message_id` and `payload.reply_to` name; `unread`: of kind `read`."""

    message: KnownMessage | None = None
    reply_to: KnownMessage | None = None
    unread: tuple[Unread, ...] = ()
