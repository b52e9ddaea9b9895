"""Messages as their reader has them, and what they are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.adapters.whatsapp.process import outgoing
from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    FileFacts,
    MediaKind,
    OutgoingContent,
    OutgoingFile,
    OutgoingMedia,
    OutgoingMessage,
    Target,
    Uploaded,
)

BOB = Jid("1234567890", "lid")
ANA = Jid("9876543210", "lid")
FAMILY = Jid("120363", "g.us")
SECRET = b"s" * 32
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FILE = OutgoingFile(
    uploaded=Uploaded(
        url="https://mmg.whatsapp.net/v/f?x=1",
        direct_path="/v/f?x=1",
        media_key=b"k" * 32,
        file_sha256=b"p" * 32,
        file_enc_sha256=b"e" * 32,
        size=4_321,
    ),
    facts=FileFacts(
        mime_type="video/mp4",
        width=640,
        height=480,
        duration=timedelta(seconds=12.6),
        thumbnail=b"\xff\xd8\xff thumbnail",
    ),
)


def written(content: OutgoingContent, to: Jid = BOB, **beside: Any) -> Any:
    whole = OutgoingMessage(content=content, **beside)
    message = e2e.Message.FromString(outgoing.message(to, whole, SECRET, NOW))
    # By it an interrupted send is recognised, whatever was sent.
    assert message.messageContextInfo.messageSecret == SECRET
    message.ClearField("messageContextInfo")
    return message


def media(kind: MediaKind, **more: Any) -> OutgoingMedia:
    return OutgoingMedia(kind=kind, file=FILE, **more)


def target(chat: Jid = BOB, sender: Jid | None = None) -> Target:
    return Target(whatsapp_id="3EB0AA", chat=chat, sender=sender, sent_at=NOW)


def fields(message: Any) -> list[str]:
    return [descriptor.name for descriptor, _ in message.ListFields()]
