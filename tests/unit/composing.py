"""Messages that Bob and we wrote, and what leaves when an app speaks of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from connector import payloads
from connector.delivery.compose import compose
from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import (
    FileFacts,
    KnownMessage,
    LinkPreview,
    OutgoingFile,
    OutgoingMessage,
    References,
    Uploaded,
)
from connector.payloads import MessagePayload
from connector.ports import ClaimedRow

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
MESSAGE_ID = "7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10"
BOB = Jid("1", "lid")
US = Jid("9", "lid")
FAMILY = Jid("120363041234567890", "g.us")
BOBS = KnownMessage(
    id=MESSAGE_ID,
    whatsapp_id="3EB0BOB",
    from_me=False,
    author=BOB,
    chat=BOB,
    kind="text",
    body="see you",
    content={},
    sent_at=NOW - timedelta(minutes=5),
    revoked=False,
)
OURS = replace(BOBS, whatsapp_id="3EB0OURS", from_me=True, author=US)
FILE = OutgoingFile(
    uploaded=Uploaded(
        url="https://mmg.example/f",
        direct_path="/f",
        media_key=b"k" * 32,
        file_sha256=b"s" * 32,
        file_enc_sha256=b"e" * 32,
        size=10,
    ),
    facts=FileFacts(mime_type="image/jpeg"),
)
OTHER_FILE = replace(FILE, facts=FileFacts(mime_type="image/png"))
A_WEEK = timedelta(days=7)  # after which the chat's messages disappear


def composed(
    kind: str,
    payload: dict[str, Json] | None = None,
    *,
    message: KnownMessage | None = None,
    reply_to: KnownMessage | None = None,
    file: OutgoingFile | None = None,
    preview: LinkPreview | None = None,
) -> OutgoingMessage:
    asked = {"message_id": MESSAGE_ID} if payload is None else payload
    row = ClaimedRow(
        id="row",
        to="1@lid",
        chat_id=None,
        chat_jid="1@lid",
        kind=kind,
        payload=asked,
        attempts=1,
        claim=1,
        expiration=A_WEEK,
        references=References(message=message, reply_to=reply_to),
    )
    read = cast(MessagePayload, payloads.read(kind, asked))
    return compose(read, row, file, preview, NOW)
