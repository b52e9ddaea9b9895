"""What the outside of a message says about its inside, as WhatsApp's clients put it."""

from __future__ import annotations

from typing import Final, NamedTuple

from devstack.whatsapp.wire.nodes import Node
from devstack.whatsapp.wire.protobufs import E2E

Protocol = E2E.ProtocolMessage

# Envelopes: each holds the message proper.
WRAPPERS: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "lottieStickerMessage",
    "editedMessage",
)
POLL: Final = "pollCreationMessage"  # and V2 to V6
MEDIA: Final = {
    "imageMessage": "image",
    "stickerMessage": "sticker",
    "documentMessage": "document",
    "contactMessage": "vcard",
    "contactsArrayMessage": "contact_array",
    "locationMessage": "location",
    "liveLocationMessage": "livelocation",
    "listMessage": "list",
    "listResponseMessage": "list_response",
    "buttonsMessage": "button",
    "buttonsResponseMessage": "button_response",
}
EDITED, PINNED, TAKEN_BACK, DELETED_BY_ADMIN = "1", "2", "7", "8"


class Outside(NamedTuple):
    """Of the stanza its type, its `edit` and its `<meta>`; of the `<enc>` the rest."""

    type: str
    media_type: str | None
    edit: str | None
    hides_failure: bool
    meta: Node | None


PLAIN_TEXT: Final = Outside("text", None, None, hides_failure=False, meta=None)


def outside(message: E2E.Message) -> Outside:
    # Nearly everything is plain text, and benchmarks send much of it.
    if message.HasField("conversation"):
        return PLAIN_TEXT
    return Outside(
        stanza_type(message),
        media_type(message),
        edit_attribute(message),
        hides_failure(message),
        meta(message),
    )


def told(stanza: Node, enc: Node) -> Outside:
    """What a client said of a message that it sent."""
    return Outside(
        stanza.attr("type", "text"),
        enc.attr("mediatype") or None,
        stanza.attr("edit") or None,
        enc.attr("decrypt-fail") == "hide",
        stanza.child("meta"),
    )


def unwrapped(message: E2E.Message) -> E2E.Message:
    """The message proper, out of all its envelopes."""
    for wrapper in WRAPPERS:
        if message.HasField(wrapper):
            return unwrapped(getattr(message, wrapper).message)
    return message


def stanza_type(message: E2E.Message) -> str:
    inner = unwrapped(message)
    if inner.HasField("reactionMessage") or inner.HasField("encReactionMessage"):
        return "reaction"
    if _is_poll(inner) or inner.HasField("pollUpdateMessage"):
        return "poll"
    if inner.HasField("eventMessage") or inner.HasField("encEventResponseMessage"):
        return "event"
    return "media" if media_type(inner) else "text"


def media_type(message: E2E.Message) -> str | None:
    """The `mediatype` of an `<enc>`."""
    inner = unwrapped(message)
    if inner.extendedTextMessage.title:
        return "url"
    if inner.HasField("audioMessage"):
        return "ptt" if inner.audioMessage.PTT else "audio"
    if inner.HasField("videoMessage"):
        return "gif" if inner.videoMessage.gifPlayback else "video"
    if inner.HasField("ptvMessage"):
        return "ptv"
    return next((MEDIA[name] for name in _fields(inner) if name in MEDIA), None)


def edit_attribute(message: E2E.Message) -> str | None:
    """That a message changes another one, and how."""
    inner = unwrapped(message)
    if inner.HasField("pinInChatMessage"):
        return PINNED
    if inner.HasField("reactionMessage") and not inner.reactionMessage.text:
        return TAKEN_BACK
    if inner.HasField("secretEncryptedMessage"):
        return EDITED
    if not inner.HasField("protocolMessage"):
        return None
    protocol = inner.protocolMessage
    if protocol.type == Protocol.MESSAGE_EDIT:
        return EDITED
    if protocol.type == Protocol.REVOKE and protocol.HasField("key"):
        return TAKEN_BACK if protocol.key.fromMe else DELETED_BY_ADMIN
    return None


def hides_failure(message: E2E.Message) -> bool:
    """Whether a reader who cannot decrypt it has nothing to show in its place."""
    inner = unwrapped(message)
    return (
        edit_attribute(message) is not None
        or stanza_type(message) == "reaction"
        or inner.HasField("pollUpdateMessage")
        or inner.HasField("encEventResponseMessage")
    )


def meta(message: E2E.Message) -> Node | None:
    """`<meta>`, which polls and events have."""
    inner = unwrapped(message)
    if _is_poll(inner):
        return Node("meta", {"polltype": "creation"})
    if inner.HasField("pollUpdateMessage"):
        return Node("meta", {"polltype": "vote"})
    if inner.HasField("eventMessage"):
        return Node("meta", {"event_type": "creation"})
    if inner.HasField("encEventResponseMessage"):
        return Node("meta", {"event_type": "response"})
    return None


def _is_poll(message: E2E.Message) -> bool:
    return any(name.startswith(POLL) for name in _fields(message))


def _fields(message: E2E.Message) -> list[str]:
    return [descriptor.name for descriptor, _ in message.ListFields()]
