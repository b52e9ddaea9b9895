"""A message's outside: whose it is, where it belongs, when it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, clean
from connector.adapters.whatsapp.reading.content.said import SYSTEM, Said
from connector.domain.messages import (
    Chat,
    ChatKind,
    Json,
    Message,
    Person,
    Source,
    Status,
)

_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# How far a sender's clock may be off before we only believe WhatsApp's.
_TOLERATED: Final = timedelta(minutes=2)


def named(key: Any) -> str:
    """The id of the message that a WACommon.MessageKey names; empty when it names none.

    What changes no message says nothing: it is no dead letter, or whoever likes could
    fill the spool with them.
    """
    return clean(key.ID, LONGEST_ID)


@dataclass(slots=True, kw_only=True)
class Envelope:
    """The same for what just came in and for what the phone remembers."""

    whatsapp_id: str
    chat: Chat
    sender: Person
    from_me: bool
    sent_at: datetime
    source: Source
    status: Status
    sender_name: str | None = None
    by_admin: bool = False  # WhatsApp says: an admin deletes somebody's message
    expires_after: int = 0  # seconds, as the chat is set

    def message(self, said: Said) -> Message:
        lives = said.expires_after or self.expires_after
        return Message(
            whatsapp_id=self.whatsapp_id,
            chat=self.chat,
            from_me=self.from_me,
            sender=self.sender,
            sender_name=self.sender_name,
            kind=said.kind,
            body=said.body,
            sent_at=self.sent_at,
            source=self.source,
            status=self.status,
            content=said.content,
            quoted_whatsapp_id=said.quoted_whatsapp_id,
            mentions=said.mentions,
            attachment=said.attachment,
            expires_at=self.sent_at + timedelta(seconds=lives) if lives else None,
        )

    def notice(self, event: str, content: Mapping[str, Json]) -> Message:
        """A system message: somebody did something to the chat."""
        by = str(self.sender.jid)
        return self.message(Said(SYSTEM, None, {"event": event, "by": by, **content}))

    def by_senders_clock(self, milliseconds: int) -> datetime:
        """When the sender did it: WhatsApp tells seconds, their own clock the rest."""
        try:
            told = _EPOCH + milliseconds * _MILLISECOND
        except OverflowError:
            return self.sent_at
        near = abs(told - self.sent_at) <= _TOLERATED
        return told if near else self.sent_at

    def author_of(self, key: Any, own: Person | None) -> Person | None:
        """Whose message a WACommon.MessageKey of this sender's names, if it says so."""
        if key.fromMe:
            return self.sender
        told = identity.address(key.participant or key.remoteJID)
        if told is None or not identity.is_personal(told):
            return None
        known = (own, self.sender, self._counterpart)
        return next(
            (one for one in known if one and told in (one.lid, one.phone)),
            identity.person(told),
        )

    @property
    def _counterpart(self) -> Person | None:
        chat = self.chat
        return (
            identity.person(chat.jid, chat.alias)
            if chat.kind is ChatKind.DIRECT
            else None
        )
