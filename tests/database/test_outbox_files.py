"""Files of what is to be sent: in Storage already, or to follow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.conversation import CAROL, message, messages
from tests.database.files import attachment, claim_media, finish_media, stored
from tests.database.outbox import pending, queue_kind
from tests.database.scene import Connection, Database, Row, Session, store

FILE = {"url": "https://example.org/a"}


async def put(database: Database, path: str, bucket: str = "wa-media") -> None:
    async with database.as_postgres() as connection:
        await connection.execute(
            """insert into storage.buckets (id, name) values ($1, $1)
            on conflict do nothing""",
            bucket,
        )
        await connection.execute(
            "insert into storage.objects (bucket_id, name, metadata) values ($1, $2, $3)",
            bucket,
            path,
            {"mimetype": "image/webp", "size": 1234},
        )


async def file(connection: Connection) -> dict[str, Any]:
    (row,) = await connection.fetch(
        """select file.* from wa_attachments as file
        inner join wa_messages as message on message.id = file.message_id
        where message.status = 'pending'"""
    )
    return dict(row)


async def test_a_file_of_storage_can_be_shown_at_once(
    database: Database, leased: Session, service: Connection
) -> None:
    path = f"{leased.workspace_id}/outbox/Offer.webp"
    await put(database, path)
    async with database.as_member(leased.owner) as member:
        await queue_kind(member, leased, "document", {"storage_path": path})

    shown = await file(service)
    assert (shown["state"], shown["bucket"], shown["storage_path"]) == (
        "stored",
        "wa-media",
        path,
    )
    assert (shown["mime_type"], shown["size_bytes"], shown["file_name"]) == (
        "image/webp",
        1234,
        "Offer.webp",
    )
    assert (await pending(service))["id"] == shown["message_id"]
    assert await claim_media(service, leased) == []


async def test_a_file_may_be_in_a_bucket_of_the_app(
    database: Database, leased: Session, service: Connection
) -> None:
    await put(database, "logo.webp", "pictures")

    place = {"bucket": "pictures", "storage_path": "logo.webp"}
    await queue_kind(service, leased, "image", place)

    shown = await file(service)
    assert (shown["bucket"], shown["file_name"]) == ("pictures", None)


@pytest.mark.parametrize("place", [FILE, {"base64": "AAAA"}])
async def test_a_file_from_elsewhere_follows(
    leased: Session, service: Connection, place: Row
) -> None:
    named = {"file_name": "a.csv", "mime_type": "text/csv"}
    await queue_kind(service, leased, "document", {**place, **named})

    shown = await file(service)
    assert (shown["state"], shown["storage_path"]) == ("pending", None)
    assert {name: shown[name] for name in named} == named


async def test_nothing_is_kept_of_what_may_be_seen_once(
    leased: Session, service: Connection
) -> None:
    await queue_kind(service, leased, "image", FILE | {"view_once": True})

    assert await service.fetchval("select count(*) from wa_attachments") == 0


async def test_an_upload_tells_what_is_known_of_its_file(
    leased: Session, service: Connection
) -> None:
    keep = "select wa_keep_upload($1, 1, $2, null, $3)"
    known = {
        "mime_type": "audio/ogg; codecs=opus",
        "size_bytes": 99,
        "duration_seconds": 1.5,
        "waveform": [*range(64)],
        "thumbnail": "AAAA",
    }
    row = await queue_kind(service, leased, "voice", FILE)

    await service.execute(keep, leased.id, row, known)

    shown = await file(service)
    assert shown | {"thumbnail": "data:image/jpeg;base64,AAAA"} == shown
    assert shown["mime_type"] == known["mime_type"]
    assert shown["waveform"] == known["waveform"]
    assert (shown["size_bytes"], float(shown["duration_seconds"])) == (99, 1.5)


async def test_what_is_in_storage_is_not_what_was_made_of_it(
    database: Database, leased: Session, service: Connection
) -> None:
    await put(database, "hello.webp")
    row = await queue_kind(service, leased, "image", {"storage_path": "hello.webp"})
    known = {"mime_type": "image/jpeg", "size_bytes": 99, "width": 3}

    keep = "select wa_keep_upload($1, 1, $2, null, $3)"
    await service.execute(keep, leased.id, row, known)

    shown = await file(service)
    assert (shown["mime_type"], shown["size_bytes"]) == ("image/webp", 1234)
    assert shown["width"] == 3


async def test_a_forwarded_file_is_the_same_file(
    leased: Session, service: Connection
) -> None:
    given = [
        message(name, kind="image", body="look", attachment=attachment(name))
        for name in ("A", "B")
    ]
    await store(service, leased, messages(*given))
    (claimed,) = await claim_media(service, leased, limit=1)
    fetched = claimed["direct_path"].removeprefix("/v/")
    await finish_media(service, leased, stored(claimed, fetched))

    for state, path in (("stored", f"w/s/2026/01/{fetched}.jpg"), ("pending", None)):
        original = await service.fetchval(
            "select message_id from wa_attachments where state = $1", state
        )
        named = {"message_id": str(original)}
        row = await queue_kind(service, leased, "forward", named, to=CAROL)
        shown = await file(service)
        assert (shown["state"], shown["storage_path"]) == (state, path)
        assert (await pending(service))["body"] == "look"
        await service.execute("delete from wa_messages where status = 'pending'")
        await service.execute("delete from wa_outbox where id = $1", row)
