"""Files that were sent come back from WhatsApp into Storage, unless they are there already."""

from __future__ import annotations

import base64
from typing import Any

from tests.database.conversation import (
    column,
    id_of,
    message,
    messages,
    receipt,
)
from tests.database.files import KEY, attachment, claim_media, finish_media, stored
from tests.database.outbox import message_statuses, queue, sent, states
from tests.database.scene import (
    Connection,
    Session,
    exchange,
    store,
)


def upload(content: str) -> dict[str, Any]:
    file = attachment(content)
    return {
        "url": f"https://example.org/{content}",
        "direct_path": file["direct_path"],
        "media_key": KEY,
        "size_bytes": 100,
        "mime_type": "image/jpeg",
    } | {
        name: base64.b64encode(bytes.fromhex(file[name])).decode()
        for name in ("file_sha256", "file_enc_sha256")
    }


async def queue_picture(connection: Connection, session: Session) -> str:
    """A picture from the web, uploaded, and shown with a file that is pending."""
    (row,) = await queue(connection, session, "look")
    await connection.execute(
        "update wa_outbox set kind = 'image', payload = '{\"url\": \"https://x\"}'"
    )
    await connection.execute(
        "update wa_messages set kind = 'image' where status = 'pending'"
    )
    await connection.execute(
        """insert into wa_attachments (workspace_id, session_id, message_id)
        select workspace_id, session_id, message_id from wa_outbox"""
    )
    await exchange(connection, session)
    keep = "select wa_keep_upload($1, 1, $2, null, $3)"
    await connection.execute(keep, session.id, row, upload("A"))
    return row


async def test_a_sent_file_is_fetched_back_like_any_other(
    leased: Session, service: Connection
) -> None:
    row = await queue_picture(service, leased)
    assert await claim_media(service, leased) == []

    await exchange(service, leased, sent(row))

    (claimed,) = await claim_media(service, leased)
    known = attachment("A")
    assert {name: claimed[name] for name in ("media_type", "media_key")} == {
        "media_type": "image",
        "media_key": KEY,
    }
    for name in ("direct_path", "file_sha256", "file_enc_sha256"):
        assert claimed[name] == known[name]
    await finish_media(service, leased, stored(claimed, "A"))
    assert await column(service, "select state from wa_attachments") == ["stored"]

    await exchange(service, leased, sent(row))
    assert await claim_media(service, leased) == []


async def test_a_file_that_is_in_storage_is_not_fetched_back(
    leased: Session, service: Connection
) -> None:
    row = await queue_picture(service, leased)
    await service.execute("update wa_attachments set state = 'stored'")

    await exchange(service, leased, sent(row))

    assert await claim_media(service, leased) == []


async def test_a_file_that_was_not_sent_is_fetched_once_it_turns_out_that_it_was(
    leased: Session, service: Connection
) -> None:
    row = await queue_picture(service, leased)
    refused = {"id": row, "outcome": "failed", "code": "refused", "whatsapp_id": "3EB0"}
    await exchange(service, leased, refused)
    (shown,) = await service.fetch("select state, error_code from wa_attachments")
    assert tuple(shown.values()) == ("failed", "not_sent")

    await store(service, leased, {"receipts": [receipt("3EB0", "delivered")]})

    assert await states(service) == ["delivered"]
    assert await message_statuses(service) == ["delivered"]
    assert len(await claim_media(service, leased)) == 1


async def test_a_forwarded_file_is_fetched_by_the_keys_it_came_with(
    leased: Session, service: Connection
) -> None:
    said = message("A", kind="image", attachment=attachment("A"))
    await store(service, leased, messages(said))
    (claimed,) = await claim_media(service, leased)
    await finish_media(service, leased, stored(claimed, "A"))
    row = await queue_picture(service, leased)
    named = {"message_id": await id_of(service, "A")}
    await service.execute(
        "update wa_outbox set kind = 'forward', payload = $1 where id = $2", named, row
    )
    await service.execute("delete from wa_private.row_uploads")

    await exchange(service, leased, sent(row))

    # Equal bytes are there already.
    assert await claim_media(service, leased) == []
    paths = "select storage_path from wa_attachments"
    assert await column(service, paths) == ["w/s/2026/01/A.jpg"] * 2
