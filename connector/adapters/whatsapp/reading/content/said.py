"""What one message says, in our words, and how much of it is kept."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any, Final

from connector.adapters.whatsapp.bounds import clean
from connector.domain.addresses import Jid
from connector.domain.messages import Attachment, Json

LONGEST_TEXT: Final = 65_536  # characters, as in what we send
LONGEST_LINE: Final = 1_024  # of a title, an option, a link
LARGEST_THUMBNAIL: Final = 16_384  # bytes
LARGEST_NUMBER: Final = 2**31 - 1
_JPEG: Final = b"\xff\xd8\xff"
# Browsers run what begins with `javascript:`, and see past blanks and letters' case.
_WEB_ADDRESS: Final = re.compile(
    r"https?://\S+|[^\s:/?#\\]+(?:[/?#]\S*)?", re.IGNORECASE
)

# Every kind there is: docs/messages.md says what each one keeps.
TEXT: Final = "text"
IMAGE: Final = "image"
VIDEO: Final = "video"
GIF: Final = "gif"
VIDEO_NOTE: Final = "video_note"
AUDIO: Final = "audio"
VOICE: Final = "voice"
DOCUMENT: Final = "document"
STICKER: Final = "sticker"
LOCATION: Final = "location"
LIVE_LOCATION: Final = "live_location"
CONTACT: Final = "contact"
POLL: Final = "poll"
EVENT: Final = "event"
ALBUM: Final = "album"
GROUP_INVITE: Final = "group_invite"
INTERACTIVE: Final = "interactive"
INTERACTIVE_REPLY: Final = "interactive_reply"
CALL: Final = "call"
SYSTEM: Final = "system"
VIEW_ONCE: Final = "view_once"
UNDECRYPTABLE: Final = "undecryptable"
UNSUPPORTED: Final = "unsupported"

KINDS: Final = frozenset(
    {
        TEXT,
        IMAGE,
        VIDEO,
        GIF,
        VIDEO_NOTE,
        AUDIO,
        VOICE,
        DOCUMENT,
        STICKER,
        LOCATION,
        LIVE_LOCATION,
        CONTACT,
        POLL,
        EVENT,
        ALBUM,
        GROUP_INVITE,
        INTERACTIVE,
        INTERACTIVE_REPLY,
        CALL,
        SYSTEM,
        VIEW_ONCE,
        UNDECRYPTABLE,
        UNSUPPORTED,
    }
)


@dataclass(slots=True)
class Said:
    """Filled in by whoever reads a kind, then by what every kind may carry."""

    kind: str
    body: str | None = None
    content: dict[str, Json] = field(default_factory=dict)
    attachment: Attachment | None = None
    quoted_whatsapp_id: str | None = None
    mentions: tuple[Jid, ...] = ()
    expires_after: int = 0  # seconds; 0: it stays


def with_text(kind: str, text: str | bytes, content: dict[str, Json]) -> Said:
    """A message of which the text says most; a long one is cut and says so."""
    if len(text) > LONGEST_TEXT:
        content["truncated"] = True
    return Said(kind, clean(text, LONGEST_TEXT) or None, content)


def line(text: str | bytes) -> str | None:
    """A short text; None when there is none."""
    return clean(text, LONGEST_LINE) or None


def link(text: str | bytes) -> str | None:
    """A web address that a page may offer to click; None for anything else."""
    address = line(text)
    return address if address and _WEB_ADDRESS.fullmatch(address) else None


def jpeg(data: bytes) -> bytes | None:
    """A thumbnail, when it is a small JPEG."""
    small = len(data) <= LARGEST_THUMBNAIL and data.startswith(_JPEG)
    return data if small else None


def data_uri(data: bytes) -> str | None:
    """A thumbnail as a page can show it."""
    if (picture := jpeg(data)) is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode('ascii')}"


def number(value: float) -> float | None:
    """A count or a measure; None for what nothing has."""
    return value if 0 <= value <= LARGEST_NUMBER else None


def given(**values: Json) -> dict[str, Json]:
    """Only what there is."""
    return {name: value for name, value in values.items() if value is not None}


def present(message: Any, *names: str) -> str | None:
    """The first of these fields that the message has."""
    return next((name for name in names if message.HasField(name)), None)
