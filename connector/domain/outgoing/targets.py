"""What may be done with a message that is there already, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from connector.domain.outgoing.content import Quoted, Target
from connector.domain.outgoing.references import KnownMessage
from connector.errors import InvalidPayload

# As phones have it; whatsmeow: EditWindow.
EDIT_WINDOW: Final = timedelta(minutes=20)
# Two days and twelve hours, on phones as well.
DELETE_WINDOW: Final = timedelta(hours=60)
# Rows that tell what happened to a chat: WhatsApp has no message by their ids.
_NOTICES: Final = frozenset({"system", "call"})


def known(message: KnownMessage | None, field: str = "message_id") -> KnownMessage:
    """Raises InvalidPayload (message_not_found)."""
    if message is None or message.kind in _NOTICES:
        raise _absent(field)
    return message


def target(message: KnownMessage, field: str = "message_id") -> Target:
    """How WhatsApp calls it. Raises InvalidPayload (message_not_sent, message_not_found)."""
    if message.whatsapp_id is None:
        raise InvalidPayload(
            f"payload.{field} names a message that was never sent.",
            code="message_not_sent",
        )
    if message.author is None and not message.from_me:
        raise _absent(field)
    return Target(
        whatsapp_id=message.whatsapp_id,
        chat=message.chat,
        sender=None if message.from_me else message.author,
        sent_at=message.sent_at,
    )


def reacted_to(message: KnownMessage | None) -> Target:
    """Raises InvalidPayload, as all of these do."""
    message = known(message)
    found = target(message)
    _refuse_deleted(message)
    return found


def edited(message: KnownMessage | None, now: datetime) -> Target:
    message = known(message)
    found = target(message)
    if not message.from_me:
        raise InvalidPayload(
            "payload.message_id names somebody else's message: only ours can be edited.",
            code="not_yours",
        )
    if message.kind != "text":
        raise InvalidPayload(
            "payload.message_id names no text: only texts can be edited.",
            code="not_editable",
        )
    _refuse_deleted(message)
    if now - message.sent_at > EDIT_WINDOW:
        raise InvalidPayload(
            "payload.message_id names a text that was sent more than 20 minutes ago: "
            "WhatsApp no longer lets it be edited.",
            code="edit_too_late",
        )
    return found


def deleted(message: KnownMessage | None, now: datetime) -> Target:
    message = known(message)
    found = target(message)
    if not message.from_me and not message.chat.is_group:
        raise InvalidPayload(
            "payload.message_id names somebody else's message: those can only be deleted "
            "in a group, by its admins.",
            code="not_yours",
        )
    _refuse_deleted(message)
    if now - message.sent_at > DELETE_WINDOW:
        raise InvalidPayload(
            "payload.message_id names a message that was sent more than 60 hours ago: "
            "WhatsApp no longer lets it be deleted for everyone.",
            code="delete_too_late",
        )
    return found


def quoted(message: KnownMessage | None) -> Quoted:
    """Of any chat: WhatsApp knows private replies to what was said in a group."""
    message = known(message, "reply_to")
    if message.author is None:
        raise _absent("reply_to")
    return Quoted(
        target=target(message, "reply_to"),
        author=message.author,
        kind=message.kind,
        # What was deleted does not come back above a reply.
        body=None if message.revoked else message.body,
    )


def _refuse_deleted(message: KnownMessage) -> None:
    if message.revoked:
        raise InvalidPayload(
            "payload.message_id names a message that was deleted.",
            code="already_deleted",
        )


def _absent(field: str) -> InvalidPayload:
    return InvalidPayload(
        f"payload.{field} must be the id of a message of this session.",
        code="message_not_found",
    )
