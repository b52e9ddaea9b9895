"""Messages with their files, and the ticks they get."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from connector.adapters.supabase.rows.people import Mentioned
from connector.adapters.supabase.rows.writing import Record, timestamp
from connector.domain.messages import Attachment, Message, OwnRead, Receipt, Source


def message(item: Message, mentioned: Mentioned) -> Record:
    sender = mentioned.person(item.sender, is_us=item.from_me)
    if item.sender_name is not None and not item.from_me:
        is_old = item.source is Source.HISTORY
        mentioned.push_name(item.sender, item.sender_name, is_old=is_old)
    row: Record = {
        "whatsapp_id": item.whatsapp_id,
        "chat_jid": mentioned.chat(item.chat),
        "from_me": item.from_me,
        "sender_jid": sender,
        "sender_name": item.sender_name,
        "kind": item.kind,
        "body": item.body,
        "content": item.content,
        "quoted_whatsapp_id": item.quoted_whatsapp_id,
        "mentions": [str(jid) for jid in item.mentions],
        "sent_at": timestamp(item.sent_at),
        "status": item.status.value,
        "source": item.source.value,
    }
    if item.expires_at is not None:
        row["expires_at"] = timestamp(item.expires_at)
    if item.attachment is not None:
        row["attachment"] = _attachment(item.attachment)
    return row


def _attachment(file: Attachment) -> Record:
    row: Record = {
        "media_type": file.media_type,
        "direct_path": file.direct_path,
        "media_key": base64.b64encode(file.media_key).decode(),
        "file_sha256": file.file_sha256.hex(),
        "file_enc_sha256": file.file_enc_sha256.hex(),
        "size_bytes": file.size_bytes,
        "mime_type": file.mime_type,
        "file_name": file.file_name,
        "width": file.width,
        "height": file.height,
        "duration_seconds": file.duration_seconds,
    }
    if file.waveform:
        row["waveform"] = list(file.waveform)
    if file.thumbnail:
        picture = base64.b64encode(file.thumbnail).decode()
        row["thumbnail"] = f"data:image/jpeg;base64,{picture}"
    return row


def receipts(item: Receipt, mentioned: Mentioned) -> Iterator[Record]:
    chat = mentioned.chat(item.chat)
    participant = mentioned.person(item.participant)
    status, at = item.status.value, timestamp(item.at)
    for whatsapp_id in item.whatsapp_ids:
        yield {
            "chat_jid": chat,
            "whatsapp_id": whatsapp_id,
            "participant_jid": participant,
            "status": status,
            "at": at,
        }


def own_read(item: OwnRead, mentioned: Mentioned) -> Record:
    return {"chat_jid": mentioned.chat(item.chat), "at": timestamp(item.at)}
