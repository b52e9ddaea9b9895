"""What a message to be sent holds, complete: only its bytes are left to be written.

What an app inserts (connector/payloads) becomes this once its file is with WhatsApp and the
messages it speaks of are found.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from connector.domain.addresses import Jid


class MediaKind(enum.StrEnum):
    """How a file is shown."""

    IMAGE = "image"
    VIDEO = "video"
    GIF = "gif"  # a short silent video that repeats
    AUDIO = "audio"
    VOICE = "voice"  # a voice note, recorded as it were
    DOCUMENT = "document"

    @property
    def media_type(self) -> str:
        """WhatsApp's key scheme and upload path."""
        return _MEDIA_TYPES.get(self, self.value)


_MEDIA_TYPES = {MediaKind.GIF: "video", MediaKind.VOICE: "audio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """Where WhatsApp keeps a file, and the key to it."""

    url: str = field(repr=False)
    direct_path: str = field(repr=False)
    media_key: bytes = field(repr=False)  # 32
    file_sha256: bytes
    file_enc_sha256: bytes
    size: int  # bytes of the plain file


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a message says of its file."""

    mime_type: str
    file_name: str | None = None
    width: int | None = None
    height: int | None = None
    duration: timedelta | None = None
    waveform: bytes | None = None  # 64 steps from 0 to 100
    thumbnail: bytes | None = field(default=None, repr=False)  # JPEG


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    uploaded: Uploaded
    facts: FileFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The message that another one is about."""

    whatsapp_id: str
    chat: Jid
    sender: Jid | None  # None: it is ours
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """The message that is replied to, as far as it is shown above the reply."""

    target: Target
    author: Jid  # also when it is ours
    kind: str  # wa_messages.kind
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPreview:
    url: str
    title: str
    description: str | None = None
    thumbnail: bytes | None = field(default=None, repr=False)  # JPEG


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """A text; WhatsApp's own marks (*bold*, _italic_) pass through."""

    text: str
    preview: LinkPreview | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMedia:
    kind: MediaKind
    file: OutgoingFile
    caption: str | None = None
    view_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingLocation:
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard:
    name: str
    vcard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingContacts:
    cards: tuple[ContactCard, ...]  # at least one


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingPoll:
    question: str
    options: tuple[str, ...]
    selectable: int  # how many each may choose; 0: any number


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingReaction:
    target: Target
    emoji: str  # empty: taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingEdit:
    """A new text for a text of ours."""

    target: Target
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingDeletion:
    """Deletes a message for everyone; somebody else's, as an admin of the group."""

    target: Target


OutgoingContent: TypeAlias = (
    OutgoingText
    | OutgoingMedia
    | OutgoingLocation
    | OutgoingContacts
    | OutgoingPoll
    | OutgoingReaction
    | OutgoingEdit
    | OutgoingDeletion
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One message, with what accompanies any kind."""

    content: OutgoingContent
    mentions: tuple[Jid, ...] = ()
    quoted: Quoted | None = None
    times_forwarded: int = 0
    expiration: timedelta | None = None  # of a chat whose messages disappear


class Typing(enum.StrEnum):
    """What is shown in a chat as what we are doing."""

    TYPING = "typing"
    RECORDING = "recording"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRead:
    """Ticks for what others wrote: all of one sender's in a group."""

    chat: Jid
    sender: Jid
    whatsapp_ids: tuple[str, ...]
