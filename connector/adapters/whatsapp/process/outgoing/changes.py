"""What changes another message: reactions, edits, deletions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from connector.adapters.whatsapp.process.outgoing import words
from connector.adapters.whatsapp.process.outgoing.addresses import key
from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.outgoing import (
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingReaction,
    OutgoingText,
)

_MILLISECONDS: Final = 1_000


def reaction(outgoing: OutgoingReaction, written_at: datetime) -> Any:
    """An empty emoji takes an earlier one back."""
    reacted = e2e.ReactionMessage(
        key=key(outgoing.target),
        text=outgoing.emoji,
        senderTimestampMS=_milliseconds(written_at),
    )
    return e2e.Message(reactionMessage=reacted)


def edit(outgoing: OutgoingEdit, beside: Any, written_at: datetime) -> Any:
    change = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.MESSAGE_EDIT,
        key=key(outgoing.target),
        editedMessage=words.text(OutgoingText(text=outgoing.text), beside),
        timestampMS=_milliseconds(written_at),
    )
    inner = e2e.Message(protocolMessage=change)
    return e2e.Message(editedMessage=e2e.FutureProofMessage(message=inner))


def deletion(outgoing: OutgoingDeletion) -> Any:
    change = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.REVOKE, key=key(outgoing.target)
    )
    return e2e.Message(protocolMessage=change)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * _MILLISECONDS)
