"""What is sent on of a message: the same once more, saying that it was passed on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from connector.domain.messages import Json
from connector.domain.outgoing.content import (
    ContactCard,
    LinkPreview,
    MediaKind,
    OutgoingContacts,
    OutgoingContent,
    OutgoingFile,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingText,
)
from connector.domain.outgoing.references import KnownMessage
from connector.domain.outgoing.targets import known
from connector.errors import InvalidPayload

_MEDIA: Final = frozenset(kind.value for kind in MediaKind)
_DATA_URI: Final = "data:image/jpeg;base64,"


def forwarded(
    message: KnownMessage | None, file: OutgoingFile | None
) -> OutgoingContent:
    """`file`: uploaded for this forward, where WhatsApp no longer had the original's.

    Raises InvalidPayload (message_not_found, already_deleted, not_forwardable).
    """
    message = demand_forwardable(message)
    if message.kind in _MEDIA:
        return _media(message, file or message.file)
    match message.kind:
        case "text":
            return _text(message)
        case "location":
            return _location(message.content)
        case "contact":
            return _contacts(message.content)
        case _:
            raise _not_forwardable("is of a kind that cannot be forwarded")


def demand_forwardable(message: KnownMessage | None) -> KnownMessage:
    """As far as it does not depend on a file. Raises InvalidPayload, as above."""
    message = known(message)
    if message.revoked:
        raise InvalidPayload(
            "payload.message_id names a message that was deleted.",
            code="already_deleted",
        )
    return message


def times_forwarded(message: KnownMessage) -> int:
    """As phones count: whoever passes on what they wrote themselves does not forward."""
    score = message.content.get("forwarding_score")
    before = score if isinstance(score, int) and score > 0 else 0
    if message.content.get("forwarded") is True:
        before = max(before, 1)
    return before if message.from_me else before + 1


def _text(message: KnownMessage) -> OutgoingText:
    if not message.body or message.content.get("truncated"):
        raise _not_forwardable("has a text that was not kept whole")
    return OutgoingText(
        text=message.body, preview=_preview(message.content.get("link_preview"))
    )


def _preview(kept: Json) -> LinkPreview | None:
    if not isinstance(kept, Mapping):
        return None
    url, title = kept.get("url"), kept.get("title")
    if not isinstance(url, str) or not isinstance(title, str):
        return None
    return LinkPreview(
        url=url,
        title=title,
        description=_string(kept.get("description")),
        thumbnail=_thumbnail(kept.get("thumbnail")),
    )


def _thumbnail(kept: Json) -> bytes | None:
    if not isinstance(kept, str) or not kept.startswith(_DATA_URI):
        return None
    try:
        return base64.b64decode(kept.removeprefix(_DATA_URI), validate=True)
    except binascii.Error:
        return None


def _media(message: KnownMessage, file: OutgoingFile | None) -> OutgoingMedia:
    if file is None:
        raise _not_forwardable(
            "has a file that neither WhatsApp nor Storage has any more"
        )
    return OutgoingMedia(kind=MediaKind(message.kind), file=file, caption=message.body)


def _location(content: Mapping[str, Json]) -> OutgoingLocation:
    latitude, longitude = content.get("latitude"), content.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        raise _not_forwardable("is a place without its coordinates")
    return OutgoingLocation(
        latitude=latitude,
        longitude=longitude,
        name=_string(content.get("name")),
        address=_string(content.get("address")),
        url=_string(content.get("url")),
    )


def _contacts(content: Mapping[str, Json]) -> OutgoingContacts:
    kept = content.get("contacts")
    cards = (
        tuple(_card(card) for card in kept) if isinstance(kept, list | tuple) else ()
    )
    if not cards:
        raise _not_forwardable("has no contacts that were kept")
    return OutgoingContacts(cards=cards)


def _card(kept: Json) -> ContactCard:
    if isinstance(kept, Mapping) and isinstance(vcard := kept.get("vcard"), str):
        return ContactCard(name=_string(kept.get("name")) or "", vcard=vcard)
    # One of several left out in silence would be another message than the original.
    raise _not_forwardable("has a contact that was not kept whole")


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _not_forwardable(why: str) -> InvalidPayload:
    return InvalidPayload(
        f"payload.message_id names a message that {why}.", code="not_forwardable"
    )
