"""Files that nothing names are named once, for the connector to remove; all others never."""

from __future__ import annotations

import uuid

import pytest

from tests.database.conversation import BOB, message
from tests.database.files import claim_media, finish_media, picture, receive, stored
from tests.database.housekeeping import (
    a_day_later,
    as_operator,
    orphans,
    put,
    rule,
    tidy,
)
from tests.database.outbox import queue_kind
from tests.database.scene import Connection, Database, Session, store

AVATAR = "00000000-0000-4000-8000-00000000000a"


def received(session: Session, name: str = "x.jpg") -> str:
    return f"{session.workspace_id}/{session.id}/2026/01/{name}"


def uploaded(session: Session, name: str = "offer.jpg") -> str:
    return f"{session.workspace_id}/outbox/{name}"


async def test_a_file_that_no_attachment_names_is_to_go(
    database: Database, leased: Session, service: Connection
) -> None:
    await receive(service, leased, picture("A"))
    (claimed,) = await claim_media(service, leased)
    kept, gone = received(leased, "kept.jpg"), received(leased, "gone.jpg")
    await finish_media(service, leased, stored(claimed, "A", storage_path=kept))
    await put(database, kept, gone)

    assert await orphans(service) == [gone]


async def test_a_young_file_may_still_be_about_to_be_named(
    database: Database, session: Session, service: Connection
) -> None:
    await put(database, received(session), age="23 hours")

    assert await orphans(service) == []


async def test_files_of_sessions_that_are_gone_are_to_go(
    database: Database, session: Session, service: Connection
) -> None:
    path = received(session)
    await put(database, path)
    await service.execute("delete from wa_sessions")

    assert await orphans(service) == [path]


@pytest.mark.parametrize("table", ["wa_contacts", "wa_chats"])
async def test_pictures_that_are_shown_stay_wherever_they_were_put_first(
    database: Database, leased: Session, service: Connection, table: str
) -> None:
    await store(service, leased, {"messages": [message("A")]})
    owner = await service.fetchval(f"select id from {table}")  # noqa: S608 - ours
    folder = f"{leased.workspace_id}/{leased.id}/avatars"
    own, old, moved = (
        f"{folder}/{owner}/2.jpg",
        f"{folder}/{owner}/1.jpg",
        f"{folder}/{AVATAR}/1.jpg",
    )
    await put(database, own, old, moved)

    for shown, gone in ((own, {old, moved}), (moved, {own, old})):
        await a_day_later(database)
        await as_operator(
            database,
            f"update {table} set avatar_path = $1",  # noqa: S608 - ours
            shown,
        )
        assert set(await orphans(service)) == gone


async def test_what_an_app_uploads_stays_a_month_and_then_as_long_as_it_is_shown(
    database: Database, session: Session, service: Connection
) -> None:
    sent, unused, lately = (uploaded(session, f"{n}.jpg") for n in "123")
    await put(database, sent, unused, age="31 days")
    await put(database, lately, age="29 days")
    await queue_kind(service, session, "image", {"storage_path": sent})

    assert await orphans(service) == [unused]


@pytest.mark.parametrize("state", ["queued", "claimed", "sending", "uncertain"])
async def test_what_is_still_to_be_sent_keeps_its_file_without_a_message(
    database: Database, session: Session, service: Connection, state: str
) -> None:
    path = uploaded(session)
    await put(database, path, age="31 days")
    await queue_kind(service, session, "image", {"storage_path": path})
    await service.execute("delete from wa_messages")
    await as_operator(database, "update wa_outbox set state = $1", state)

    assert await orphans(service) == []

    await as_operator(database, "update wa_outbox set state = 'failed'")
    await a_day_later(database)
    assert await orphans(service) == [path]


async def test_whatever_else_is_in_the_bucket_is_somebody_elses(
    database: Database, session: Session, service: Connection
) -> None:
    strange = "-" * 36
    await put(
        database,
        "logo.png",
        "letters/2026/01/a.pdf",
        f"{session.workspace_id}/notes.txt",
        f"{session.workspace_id}/{session.id}/exports/all.csv",
        f"{session.workspace_id}/{session.id}/2026/01/deeper/a.jpg",
        f"{strange}/{strange}/avatars/{strange}/a.jpg",
        # Members choose what stands below outbox/.
        f"{session.workspace_id}/outbox/avatars/{strange}/a.jpg",
        age="20 days",
    )
    await as_operator(
        database,
        "insert into storage.buckets (id, name, public) values ('other', 'other', false)",
    )
    await put(database, received(session))
    await as_operator(database, "update storage.objects set bucket_id = 'other'")

    assert await orphans(service) == []


async def test_a_walk_names_each_once_and_the_next_one_a_day_later(
    database: Database, session: Session, service: Connection
) -> None:
    paths = [received(session, f"{n}.jpg") for n in range(7)]
    await put(database, *paths)

    first = await service.fetchval("select wa_orphaned_files(3)")
    assert first == {"paths": paths[:3], "more": True}
    # The rows' housekeeping has nothing to do with it.
    assert not (await tidy(service))["more"]
    assert await orphans(service, limit=3) == paths[3:]

    assert await orphans(service) == []
    await a_day_later(database)
    assert await orphans(service) == paths


async def test_two_who_ask_at_once_are_not_told_the_same(
    database: Database, session: Session, service: Connection
) -> None:
    await put(database, received(session))

    async with database.as_service() as other, other.transaction():
        assert await orphans(other) == [received(session)]
        assert await orphans(service) == []
    assert await orphans(service) == []


async def test_an_operator_may_keep_them_all(
    database: Database, session: Session, service: Connection
) -> None:
    await put(database, received(session), uploaded(session), age="10 years")
    await rule(database, "orphaned_files", None)
    await rule(database, "app_uploads", None)

    assert await orphans(service) == []


async def test_a_path_says_nothing_of_who_may_be_asked(
    database: Database, session: Session, service: Connection
) -> None:
    """A file under a tenant and a session that never were is nobody's."""
    nobody = f"{uuid.uuid4()}/{uuid.uuid4()}/avatars/{uuid.uuid4()}/1.jpg"
    await put(database, nobody)
    await queue_kind(service, session, "text", {"text": "hello"}, to=BOB)

    assert await orphans(service) == [nobody]
