"""One message: its kind, what accompanies it, and the secret it is recognised by."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from connector.adapters.whatsapp.process.outgoing import changes, files, sharing, words
from connector.adapters.whatsapp.process.outgoing.context import context
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    OutgoingContacts,
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingMessage,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingText,
)


def message(
    to: Jid, outgoing: OutgoingMessage, secret: bytes, written_at: datetime
) -> bytes:
    """Serialize a waE2E.Message that carries our own `secret` (32 bytes).

    whatsmeow stores the secret with the message's id before it sends: that is how an
    interrupted send is recognised afterwards (docs/outbox.md). Polls are voted on, and
    reports to WhatsApp are signed, with the same secret: so it is on every kind.
    """
    written = _written(to, outgoing, written_at)
    written.messageContextInfo.messageSecret = secret
    serialized: bytes = written.SerializeToString()
    return serialized


def _written(to: Jid, outgoing: OutgoingMessage, written_at: datetime) -> Any:
    beside = context(to, outgoing)
    match outgoing.content:
        case OutgoingText() as text:
            return words.text(text, beside)
        case OutgoingMedia() as media:
            return files.media(media, beside, written_at)
        case OutgoingLocation() as location:
            return sharing.location(location, beside)
        case OutgoingContacts() as contacts:
            return sharing.contacts(contacts, beside)
        case OutgoingPoll() as poll:
            return sharing.poll(poll, beside)
        case OutgoingReaction() as reaction:
            return changes.reaction(reaction, written_at)
        case OutgoingEdit() as edit:
            return changes.edit(edit, beside, written_at)
        case OutgoingDeletion() as deletion:
            return changes.deletion(deletion)
        case _ as other:
            assert_never(other)
