"""What a row of the outbox speaks of: `wa_private.outbox_references`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.adapters.supabase.rows.reading import Row
from connector.adapters.supabase.rows.uploads import UploadRow
from connector.domain.addresses import Jid
from connector.domain.outgoing import KnownMessage, References, StoredFile, Unread
from connector.errors import InvalidAddress


class StoredRow(Row):
    bucket: str
    path: str

    def file(self) -> StoredFile:
        return StoredFile(bucket=self.bucket, path=self.path)


class MessageRow(Row):
    id: str
    whatsapp_id: str | None
    from_me: bool
    author_jid: str | None
    chat_jid: str
    kind: str
    body: str | None
    content: dict[str, Any] | None
    sent_at: datetime
    revoked: bool
    upload: UploadRow | None = None
    stored: StoredRow | None = None

    def known(self) -> KnownMessage:
        """Raises InvalidAddress."""
        return KnownMessage(
            id=self.id,
            whatsapp_id=self.whatsapp_id,
            from_me=self.from_me,
            author=_person(self.author_jid),
            chat=Jid.parse(self.chat_jid),
            kind=self.kind,
            body=self.body,
            content=self.content or {},
            sent_at=self.sent_at,
            revoked=self.revoked,
            file=None if self.upload is None else self.upload.file(),
            stored=None if self.stored is None else self.stored.file(),
        )


class UnreadRow(Row):
    whatsapp_id: str
    author_jid: str | None


class ReferencesRow(Row):
    message: MessageRow | None = None
    reply_to: MessageRow | None = None
    unread: tuple[UnreadRow, ...] = ()

    def references(self) -> References:
        """Raises InvalidAddress."""
        return References(
            message=None if self.message is None else self.message.known(),
            reply_to=None if self.reply_to is None else self.reply_to.known(),
            unread=tuple(
                Unread(whatsapp_id=each.whatsapp_id, author=author)
                for each in self.unread
                # Whoever is not known cannot be told.
                if (author := _person(each.author_jid)) is not None
            ),
        )


def _person(jid: str | None) -> Jid | None:
    """None for what is no address: it came from WhatsApp once, in whatever shape."""
    if jid is None:
        return None
    try:
        return Jid.parse(jid)
    except InvalidAddress:
        return None
