"""Messages that change another message, or the chat: protocol messages, sealed edits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.protobufs import e2e
from connector.adapters.whatsapp.reading import message_secrets
from connector.adapters.whatsapp.reading.content.context import LONGEST_LIFE
from connector.adapters.whatsapp.reading.content.reading import read
from connector.adapters.whatsapp.reading.content.wrappers import unwrap
from connector.adapters.whatsapp.reading.envelope import Envelope, named
from connector.adapters.whatsapp.reading.message_secrets import Purpose
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.domain.changes import Edit, Revocation
from connector.domain.chats import ChatColumn, ChatUpdate
from connector.domain.incoming import Incoming

_Protocol: Final = e2e.ProtocolMessage
_Sealed: Final = e2e.SecretEncryptedMessage
_PURPOSES: Final = {
    _Sealed.MESSAGE_EDIT: Purpose.MESSAGE_EDIT,
    _Sealed.EVENT_EDIT: Purpose.EVENT_EDIT,
    _Sealed.POLL_EDIT: Purpose.POLL_EDIT,
}
# The message's own: its file, whom it quotes, that it was forwarded.
_KEPT: Final = ("media_missing", "quoted", "forwarded", "forwarding_score")


def protocol(envelope: Envelope, part: Any, rules: ReadingRules) -> Iterator[Incoming]:
    """A waE2E.ProtocolMessage; most of them are between devices and say nothing."""
    if not part.HasField("type"):
        return
    if part.type == _Protocol.REVOKE and named(part.key):
        yield _revocation(envelope, part.key, rules)
    elif part.type == _Protocol.MESSAGE_EDIT:
        edited = part.editedMessage
        yield from _edit(envelope, part.key, edited, part.timestampMS)
    elif part.type == _Protocol.EPHEMERAL_SETTING:
        yield from _disappearing(envelope, part.ephemeralExpiration)


def edit_in(message: Any) -> Any | None:
    """The waE2E.ProtocolMessage of a waE2E.Message that is an edit, else None."""
    if message.HasField("conversation"):
        return None  # most are
    unwrapped = unwrap(message)
    fields = () if unwrapped is None else unwrapped.fields
    for descriptor, part in fields:
        if descriptor.name == "protocolMessage":
            return part if part.type == _Protocol.MESSAGE_EDIT else None
    return None


def sealed_edit(
    envelope: Envelope, part: Any, rules: ReadingRules
) -> Iterator[Incoming]:
    """A waE2E.SecretEncryptedMessage."""
    purpose = _PURPOSES.get(part.secretEncType)
    if purpose is None:
        return
    plain = message_secrets.opened(
        envelope, part.targetMessageKey, part, purpose, rules
    )
    if plain is None:
        return
    try:
        message = e2e.Message.FromString(plain)
    except DecodeError:
        return  # a sender's nonsense must not fill the dead letters
    inner = message.protocolMessage
    edited = inner.editedMessage if inner.HasField("editedMessage") else message
    yield from _edit(envelope, part.targetMessageKey, edited, inner.timestampMS)


def _edit(
    envelope: Envelope, key: Any, edited: Any, milliseconds: int
) -> Iterator[Incoming]:
    said = read(edited)
    if said is None or not named(key):
        return
    for name in _KEPT:
        said.content.pop(name, None)
    yield Edit(
        chat=envelope.chat,
        whatsapp_id=named(key),
        from_me=envelope.from_me,
        sender=envelope.sender,
        edit_id=envelope.whatsapp_id,
        body=said.body,
        content=said.content,
        mentions=said.mentions,
        edited_at=envelope.by_senders_clock(milliseconds),
    )


def _revocation(envelope: Envelope, key: Any, rules: ReadingRules) -> Revocation:
    """Who may delete is decided by the row; here it is only said who did it to whose."""
    by_admin = envelope.by_admin and envelope.chat.jid.is_group
    author = envelope.author_of(key, rules.own) if by_admin else envelope.sender
    ours = envelope.from_me
    if by_admin and not key.fromMe:
        ours = identity.is_same(author, rules.own)
    return Revocation(
        chat=envelope.chat,
        whatsapp_id=named(key),
        from_me=ours,
        author=author,
        revoked_by=envelope.sender,
        by_admin=by_admin,
        revoked_at=envelope.sent_at,
    )


def _disappearing(envelope: Envelope, seconds: int) -> Iterator[Incoming]:
    lives = seconds if 0 < seconds <= LONGEST_LIFE else None
    yield ChatUpdate(
        chat=envelope.chat,
        as_of=envelope.sent_at,
        columns={ChatColumn.DISAPPEARING_SECONDS: lives},
    )
    yield envelope.notice("disappearing", {"seconds": lives})
