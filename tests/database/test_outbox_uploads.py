"""What was uploaded for a row is used again, whoever died in between."""

from __future__ import annotations

import base64
from typing import Any

import asyncpg
import pytest

from tests.database.outbox import queue
from tests.database.scene import Connection, Database, Row, Session, claim

VERSION = "wa-media/w/outbox/offer.jpg/etag/image"


def upload(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "url": f"https://mmg.whatsapp.net/{name}",
        "direct_path": f"/v/{name}",
        "media_key": base64.b64encode(bytes(32)).decode(),
        "file_sha256": base64.b64encode(b"a" * 32).decode(),
        "file_enc_sha256": base64.b64encode(b"b" * 32).decode(),
        "size_bytes": 100,
        "mime_type": "image/jpeg",
        "file_name": None,
        "width": None,
        "height": None,
        "duration_seconds": None,
        "waveform": None,
        "thumbnail": None,
    } | changes


async def keep(
    connection: Connection,
    session: Session,
    row: str,
    given: Row,
    version: str | None = VERSION,
) -> None:
    await connection.execute(
        "select wa_keep_upload($1, 1, $2, $3, $4)", session.id, row, version, given
    )


async def found(connection: Connection, session: Session) -> Any:
    return await connection.fetchval(
        "select wa_find_upload($1, 1, $2)", session.id, VERSION
    )


async def upload_of(connection: Connection, row: str) -> Any:
    return await connection.fetchval("select wa_private.upload_of($1)", row)


async def a_day_passes(database: Database) -> None:
    async with database.as_postgres() as connection:
        for table in ("uploads", "row_uploads"):
            # Our own names.
            await connection.execute(
                f"update wa_private.{table}"  # noqa: S608
                " set uploaded_at = uploaded_at - interval '24 h 1 s'"
            )


async def test_an_upload_is_found_for_its_row_and_for_others_of_the_same_file(
    leased: Session, service: Connection
) -> None:
    row, other = await queue(service, leased, "one", "two")
    assert await found(service, leased) is None

    await keep(service, leased, row, upload("A"))
    await keep(service, leased, row, upload("A"))

    assert await found(service, leased) == upload("A")
    assert await upload_of(service, row) == upload("A")
    assert await upload_of(service, other) is None


async def test_a_file_without_a_version_is_kept_for_its_row_alone(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "one")

    await keep(service, leased, row, upload("A"), version=None)

    assert await upload_of(service, row) == upload("A")
    assert await service.fetchval("select count(*) from wa_private.uploads") == 0


async def test_the_later_upload_counts(leased: Session, service: Connection) -> None:
    (row,) = await queue(service, leased, "one")
    await keep(service, leased, row, upload("A"))

    await keep(service, leased, row, upload("B"))

    assert await found(service, leased) == upload("B")
    assert await upload_of(service, row) == upload("B")


async def test_an_upload_is_used_for_a_day_however_often(
    database: Database, leased: Session, service: Connection
) -> None:
    first, second = await queue(service, leased, "one", "two")
    await keep(service, leased, first, upload("A"))
    async with database.as_postgres() as connection:
        await connection.execute(
            "update wa_private.uploads set uploaded_at = now() - interval '23 h'"
        )

    await keep(service, leased, second, upload("A"))

    age = "select now() - uploaded_at > interval '22 h' from wa_private."
    assert await service.fetchval(f"{age}uploads")
    assert await service.fetchval(f"{age}row_uploads where outbox_id = $1", second)
    await a_day_passes(database)
    assert await found(service, leased) is None
    assert await upload_of(service, second) is None


async def test_what_is_old_goes_in_passing_but_for_rows_that_are_not_settled(
    database: Database, leased: Session, service: Connection
) -> None:
    done, open_row, fresh = await queue(service, leased, "one", "two", "three")
    for row, name in ((done, "A"), (open_row, "B")):
        await keep(service, leased, row, upload(name), version=name)
    await service.execute("update wa_outbox set state = 'sent' where id = $1", done)
    await a_day_passes(database)

    await keep(service, leased, fresh, upload("C"))

    rows = await service.fetch("select outbox_id from wa_private.row_uploads")
    assert {str(row["outbox_id"]) for row in rows} == {open_row, fresh}
    versions = await service.fetch("select version from wa_private.uploads")
    assert [row["version"] for row in versions] == [VERSION]


async def test_another_sessions_row_and_a_row_that_is_gone_keep_nothing(
    database: Database, leased: Session, service: Connection
) -> None:
    stranger = await database.session()
    await claim(service, "connector-a", held=[leased.id])
    (theirs,) = await queue(service, stranger, "oi")
    (gone,) = await queue(service, leased, "oi")
    await service.execute("delete from wa_outbox where id = $1", gone)

    for row in (theirs, gone):
        await keep(service, leased, row, upload("A"))

    assert await found(service, leased) is None
    assert await upload_of(service, theirs) is None


async def test_a_member_sees_no_keys(database: Database, leased: Session) -> None:
    async with database.as_member(leased.owner) as member:
        for table in ("uploads", "row_uploads"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await member.execute(f"select from wa_private.{table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await found(member, leased)
