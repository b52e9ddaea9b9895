"""What a claimed row says of the messages it speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.database.conversation import (
    BOB,
    CAROL,
    FAMILY,
    US,
    id_of,
    message,
    messages,
    ours,
    revoke,
)
from tests.database.files import KEY, attachment, claim_media, finish_media, stored
from tests.database.outbox import queue_kind
from tests.database.scene import Connection, Database, Row, Session, claim, store

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)


async def references(connection: Connection, row: str) -> Any:
    return await connection.fetchval(
        "select wa_private.outbox_references(entry) from wa_outbox as entry where id = $1",
        row,
    )


async def unread(connection: Connection, session: Session, **payload: str) -> list[str]:
    row = await queue_kind(connection, session, "read", payload)
    found = await references(connection, row)
    return [each["whatsapp_id"] for each in found["unread"]]


def picture(whatsapp_id: str, *, sent_at: datetime = YESTERDAY, **file: Any) -> Row:
    return message(
        whatsapp_id,
        kind="image",
        sent_at=sent_at.isoformat(),
        attachment=attachment(whatsapp_id, **file),
    )


async def test_a_text_speaks_of_nothing(leased: Session, service: Connection) -> None:
    row = await queue_kind(service, leased, "text", {"text": "oi"})

    assert await references(service, row) == {}


async def test_a_reply_says_what_it_answers(
    leased: Session, service: Connection
) -> None:
    said = message("A", chat_jid=FAMILY, content={"forwarded": True})
    await store(service, leased, messages(said))
    answered = await id_of(service, "A")

    row = await queue_kind(
        service, leased, "text", {"text": "sim", "reply_to": answered}, to=FAMILY
    )

    assert await references(service, row) == {
        "reply_to": {
            "id": answered,
            "whatsapp_id": "A",
            "from_me": False,
            "author_jid": BOB,
            "chat_jid": FAMILY,
            "kind": "text",
            "body": "text A",
            "content": {"forwarded": True},
            "sent_at": "2026-01-02T12:00:00+00:00",
            "revoked": False,
        }
    }


async def test_a_message_of_ours_is_by_us_and_a_deleted_one_says_so(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(ours("A")))
    named = await id_of(service, "A")
    row = await queue_kind(service, leased, "edit", {"message_id": named, "text": "x"})

    deletion = revoke("A", from_me=True, revoked_by_jid=US)
    await store(service, leased, {"revokes": [deletion]})

    known = (await references(service, row))["message"]
    assert (known["from_me"], known["author_jid"]) == (True, US)
    assert known["revoked"]


async def test_what_is_no_id_names_nothing(
    leased: Session, service: Connection
) -> None:
    for named in ("", "A", "7", None, "0" * 32, "{" + "0" * 8):
        known = "select (wa_private.known_message($1, $2)).id"
        assert await service.fetchval(known, leased.id, named) is None


async def test_another_sessions_message_is_not_there(
    database: Database, leased: Session, service: Connection
) -> None:
    stranger = await database.session()
    await claim(service, "connector-a", held=[leased.id])
    await store(service, stranger, messages(message("A")))
    named = {"message_id": await id_of(service, "A"), "emoji": "👍"}
    row = await queue_kind(service, leased, "text", {"text": "oi"})

    # An insert would be refused.
    await service.execute(
        "update wa_outbox set kind = 'reaction', payload = $1 where id = $2", named, row
    )

    assert await references(service, row) == {}


# --- Forwarding --------------------------------------------------------------------------


async def test_a_file_to_forward_comes_with_its_keys_and_its_place_in_storage(
    leased: Session, service: Connection
) -> None:
    thumbnail = "data:image/jpeg;base64,AAAA"
    await store(service, leased, messages(picture("A", thumbnail=thumbnail)))
    (claimed,) = await claim_media(service, leased)
    await finish_media(service, leased, stored(claimed, "A"))
    named = await id_of(service, "A")

    row = await queue_kind(service, leased, "forward", {"message_id": named})
    known = (await references(service, row))["message"]

    assert known["stored"] == {"bucket": "wa-media", "path": "w/s/2026/01/A.jpg"}
    upload = known["upload"]
    assert upload["media_key"] == KEY
    assert len(upload["file_sha256"]) == len(upload["file_enc_sha256"]) == 44
    assert {name: upload[name] for name in ("direct_path", "url", "width")} == {
        "direct_path": "/v/A",
        "url": None,
        "width": 3,
    }
    assert (upload["size_bytes"], upload["mime_type"]) == (99, "image/jpeg")
    assert upload["thumbnail"] == "AAAA"


async def test_a_file_whatsapp_no_longer_has_is_not_named_to_anybody(
    leased: Session, service: Connection
) -> None:
    old = picture("OLD", sent_at=YESTERDAY - timedelta(days=14))
    await store(service, leased, messages(old, picture("GONE")))
    for file in await claim_media(service, leased):
        await finish_media(service, leased, {"id": str(file["id"]), "state": "expired"})

    for whatsapp_id in ("OLD", "GONE"):
        named = {"message_id": await id_of(service, whatsapp_id)}
        row = await queue_kind(service, leased, "forward", named)
        known = (await references(service, row))["message"]
        assert (known["upload"], known["stored"]) == (None, None)


async def test_a_text_to_forward_has_no_file(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    named = {"message_id": await id_of(service, "A")}

    row = await queue_kind(service, leased, "forward", named)

    known = (await references(service, row))["message"]
    assert (known["body"], known["upload"], known["stored"]) == ("text A", None, None)


# --- Reading -----------------------------------------------------------------------------


async def test_what_others_wrote_is_unread_until_they_are_told(
    leased: Session, service: Connection
) -> None:
    said = messages(
        message("OLD", source="history", sent_at="2026-01-01T12:00:00Z"),
        message("A"),
        ours("MINE", sent_at="2026-01-02T12:00:01Z"),
        message("B", sent_at="2026-01-02T12:00:02Z"),
        message("call-1", kind="call", sent_at="2026-01-02T12:00:03Z"),
    )
    await store(service, leased, said)
    assert await unread(service, leased) == ["A", "B"]
    assert await unread(service, leased, message_id=await id_of(service, "A")) == ["A"]

    # Merely a number that the app cleared: nobody was told.
    await service.execute("update wa_chats set unread_count = 0")
    assert await unread(service, leased) == ["A", "B"]

    own_read = {"chat_jid": BOB, "at": "2026-01-02T12:00:00Z"}
    await store(service, leased, {"own_reads": [own_read]})
    assert await unread(service, leased) == ["B"]
    assert await service.fetchval("select unread_count from wa_chats") == 0


async def test_what_came_after_somebody_read_the_chat_is_not_read(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    row = await queue_kind(service, leased, "read", {})
    await store(service, leased, messages(message("B")))

    assert [m["whatsapp_id"] for m in (await references(service, row))["unread"]] == [
        "A"
    ]


async def test_at_most_the_newest_256_are_ticked(
    leased: Session, service: Connection
) -> None:
    said = (message(f"{n:03}", chat_jid=FAMILY, sender_jid=CAROL) for n in range(300))
    await store(service, leased, messages(*said))

    row = await queue_kind(service, leased, "read", {}, to=FAMILY)
    found = (await references(service, row))["unread"]

    assert [each["whatsapp_id"] for each in found] == [
        f"{n:03}" for n in range(44, 300)
    ]
    assert {each["author_jid"] for each in found} == {CAROL}
