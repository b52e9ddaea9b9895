"""What any message may carry beside its content: a quote, mentions, a time to live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, clean
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading.content.said import LARGEST_NUMBER, Said, given
from connector.domain.messages import Json
from connector.errors import InvalidAddress

MOST_MENTIONS: Final = 1_024
LONGEST_LIFE: Final = 366 * 86_400  # seconds
_LONGEST_QUOTE: Final = 1_024  # characters of the snapshot; the row has it whole

Snapshot = Callable[[Any], Said | None]
_ALBUM: Final = e2e.MessageAssociation.MEDIA_ALBUM


def add(said: Said, context: Any, snapshot: Snapshot) -> None:
    """Add what a waE2E.ContextInfo says; `snapshot` reads the quoted message."""
    said.quoted_whatsapp_id = clean(context.stanzaID, LONGEST_ID) or None
    if said.quoted_whatsapp_id is not None:
        said.content["quoted"] = _quote(context, snapshot)
    if context.mentionedJID:
        told = [clean(jid, LONGEST_ID) for jid in context.mentionedJID[:MOST_MENTIONS]]
        said.mentions = tuple(dict.fromkeys(identity.several(told)))
    if context.isForwarded:
        said.content["forwarded"] = True
        said.content["forwarding_score"] = min(context.forwardingScore, LARGEST_NUMBER)
    if 0 < context.expiration <= LONGEST_LIFE:
        said.expires_after = context.expiration


def add_association(said: Said, context: Any) -> None:
    """Add what a waE2E.MessageContextInfo says: the album or the message it is part of."""
    association = context.messageAssociation
    parent = clean(association.parentMessageKey.ID, LONGEST_ID)
    if not parent:
        return
    if association.associationType == _ALBUM:
        said.content["album_whatsapp_id"] = parent
    else:
        kinds = e2e.MessageAssociation.AssociationType
        said.content["part_of"] = {
            "whatsapp_id": parent,
            "as": kinds.Name(association.associationType).lower(),
        }


def _quote(context: Any, snapshot: Snapshot) -> Json:
    said = snapshot(context.quotedMessage)
    return given(
        kind=None if said is None else said.kind,
        body=None if said is None or said.body is None else said.body[:_LONGEST_QUOTE],
        sender_jid=_sender(context.participant),
    )


def _sender(told: str | bytes) -> str | None:
    try:
        return str(identity.parse(clean(told, LONGEST_ID))) if told else None
    except InvalidAddress:
        return None
