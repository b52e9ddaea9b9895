"""What a message says, out of WhatsApp's protobuf: kind, text, and little more.

"text" is ours; every other kind keeps its protobuf field's name, so that nothing is
hidden that we do not model yet. Everything here is hostile input: sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connector.adapters.whatsapp.bounds import LONGEST_ID, LONGEST_NAME, clean
from connector.domain.messages import Json

LONGEST_TEXT: Final = 65_536  # characters, as in what we send
MOST_MENTIONS: Final = 1_024
TEXT: Final = "text"
VIEW_ONCE: Final = "view_once"
UNDECRYPTABLE: Final = "undecryptable"

_DEEPEST_WRAPPING: Final = 6
_WRAPPERS: Final = (
    "deviceSentMessage",
    "ephemeralMessage",
    "documentWithCaptionMessage",
    "groupMentionedMessage",
    "botInvokeMessage",
    "associatedChildMessage",
    "lottieStickerMessage",
    "spoilerMessage",
)
_VIEW_ONCE_WRAPPERS: Final = (
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
)
# Not something somebody said: keys, settings, and edits, which are not kept yet.
_SILENT: Final = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "protocolMessage",
        "editedMessage",
        "stickerSyncRmrMessage",
        "groupRootKeyShare",
        "rootSecretDistributeMessage",
        "keepInChatMessage",
        "messageHistoryBundle",
        "messageHistoryNotice",
    }
)
# Which field of a kind reads as its text.
_BODIES: Final[Mapping[str, str]] = {
    "imageMessage": "caption",
    "videoMessage": "caption",
    "ptvMessage": "caption",
    "documentMessage": "caption",
    "locationMessage": "name",
    "liveLocationMessage": "caption",
    "contactMessage": "displayName",
    "contactsArrayMessage": "displayName",
    "reactionMessage": "text",
    "pollCreationMessage": "name",
    "pollCreationMessageV2": "name",
    "pollCreationMessageV3": "name",
    "groupInviteMessage": "caption",
}
# Scalars that say what a file, place or voice note is; the same name in every kind.
_DETAILS: Final[Mapping[str, str]] = {
    "mimetype": "mime_type",
    "fileName": "file_name",
    "title": "title",
    "fileLength": "size_bytes",
    "seconds": "duration_seconds",
    "width": "width",
    "height": "height",
    "PTT": "voice_note",
    "gifPlayback": "gif",
    "isAnimated": "animated",
    "degreesLatitude": "latitude",
    "degreesLongitude": "longitude",
    "address": "address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message says."""

    kind: str
    body: str | None = None
    content: Mapping[str, Json] = field(default_factory=dict)
    quoted_whatsapp_id: str | None = None
    mentions: tuple[str, ...] = ()


def read(message: Any) -> Content | None:
    """Read a waE2E.Message; None when nobody said anything with it.

    Raises ValueError for what only a broken or hostile sender makes.
    """
    inner, view_once = _unwrap(message)
    if inner is None:
        return None
    kind = _kind(inner)
    if kind is None:
        return None
    if view_once or getattr(_part(inner, kind), "viewOnce", False) is True:
        return Content(kind=VIEW_ONCE, content={"of": kind})
    if kind == "conversation":
        return _text(inner.conversation, None)
    part = _part(inner, kind)
    if kind == "extendedTextMessage":
        return _text(part.text, part.contextInfo)
    return _other(kind, part)


def _unwrap(message: Any) -> tuple[Any | None, bool]:
    view_once = False
    for _ in range(_DEEPEST_WRAPPING):
        wrapper = _first_present(message, _WRAPPERS)
        if wrapper is None:
            wrapper = _first_present(message, _VIEW_ONCE_WRAPPERS)
            view_once = view_once or wrapper is not None
        if wrapper is None:
            return message, view_once
        message = getattr(message, wrapper).message
    return None, view_once  # nobody wraps so deep in good faith


def _first_present(message: Any, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if message.HasField(name)), None)


def _kind(message: Any) -> str | None:
    for descriptor, _value in message.ListFields():
        name: str = descriptor.name
        if name not in _SILENT:
            return name
    return None


def _part(message: Any, kind: str) -> Any:
    return getattr(message, kind)


def _text(text: str | bytes, context: Any | None) -> Content:
    body = clean(text, LONGEST_TEXT)
    content: dict[str, Json] = {"truncated": True} if len(text) > LONGEST_TEXT else {}
    return _with_context(Content(kind=TEXT, body=body, content=content), context)


def _other(kind: str, part: Any) -> Content:
    names = getattr(getattr(part, "DESCRIPTOR", None), "fields_by_name", {})
    body = getattr(part, _BODIES[kind]) if kind in _BODIES else ""
    content: dict[str, Json] = {
        ours: _detail(getattr(part, theirs))
        for theirs, ours in _DETAILS.items()
        if theirs in names and part.HasField(theirs)
    }
    if kind == "reactionMessage":
        content["to_whatsapp_id"] = clean(part.key.ID, LONGEST_ID)
    if len(body) > LONGEST_TEXT:
        content["truncated"] = True
    found = Content(kind=kind, body=clean(body, LONGEST_TEXT) or None, content=content)
    return _with_context(found, part.contextInfo if "contextInfo" in names else None)


def _detail(value: Json | bytes) -> Json:
    match value:
        case str() | bytes():
            return clean(value, LONGEST_NAME)
        case float() if value != value or abs(value) > 1e12:  # noqa: PLR0124, PLR2004 - NaN and nonsense
            return None
        case _:
            return value


def _with_context(found: Content, context: Any | None) -> Content:
    if context is None:
        return found
    return Content(
        kind=found.kind,
        body=found.body,
        content=found.content,
        quoted_whatsapp_id=clean(context.stanzaID, LONGEST_ID) or None,
        mentions=tuple(
            clean(jid, LONGEST_ID) for jid in context.mentionedJID[:MOST_MENTIONS]
        ),
    )
