"""Edits and deletions: by whoever may, whichever comes first, and without loss."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database.circumstances import at
from tests.database.conversation import (
    BOB,
    CAROL,
    FAMILY,
    US,
    column,
    edit,
    message,
    messages,
    ours,
    revoke,
)
from tests.database.scene import Connection, Row, Session, store

IN_FAMILY = {"chat_jid": FAMILY}


async def only_message(connection: Connection) -> dict[str, Any]:
    (row,) = await connection.fetch("select * from wa_messages")
    return dict(row)


async def versions(connection: Connection) -> list[tuple[int, str]]:
    rows = await connection.fetch(
        "select version, body from wa_message_edits order by version"
    )
    return [(row["version"], row["body"]) for row in rows]


async def test_an_edit_replaces_the_words_and_keeps_each_earlier_version(
    leased: Session, service: Connection
) -> None:
    original = message("A", body="one", content={"forwarded": True}, mentions=[US])
    second = edit("A", "E1", body="two", edited_at=at(10), mentions=[CAROL])
    third = edit("A", "E2", body="three", edited_at=at(20), content={"x": 1})
    await store(service, leased, messages(original) | {"edits": [second]})
    await store(service, leased, {"edits": [third, second]})

    now = await only_message(service)
    assert (now["body"], now["mentions"]) == ("three", [])
    assert now["content"] == {"forwarded": True, "x": 1}
    assert now["edited_at"].isoformat() == "2026-01-02T12:00:20+00:00"
    assert await versions(service) == [(0, "one"), (1, "two")]
    replaced = await column(
        service, "select edited_at from wa_message_edits order by version"
    )
    assert [moment.second for moment in replaced] == [10, 20]


async def test_an_edit_may_come_before_its_message_and_after_a_later_edit(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, {"edits": [edit("A", "E2", edited_at=at(20))]})
    await store(service, leased, messages(message("A", body="one")))
    await store(service, leased, {"edits": [edit("A", "E1", edited_at=at(10))]})

    assert (await only_message(service))["body"] == "edit E2"
    assert await versions(service) == [(0, "one"), (1, "edit E1")]


@pytest.mark.parametrize(
    ("said", "forged"),
    [
        (message("A", **IN_FAMILY), edit("A", "E", sender_jid=CAROL, **IN_FAMILY)),
        (ours("A"), edit("A", "E")),
        (message("A"), edit("A", "E", from_me=True, sender_jid=US)),
        (message("A"), edit("A", "E", chat_jid=CAROL)),
    ],
    ids=["another member", "of ours", "ours of theirs", "in another chat"],
)
async def test_nobody_edits_what_somebody_else_said(
    leased: Session, service: Connection, said: Row, forged: Row
) -> None:
    await store(service, leased, {"edits": [forged]})
    await store(service, leased, messages(said) | {"edits": [forged]})

    kept = await only_message(service)
    assert (kept["body"], kept["edited_at"]) == ("text A", None)
    assert await versions(service) == []


async def test_a_forged_edit_does_not_stand_in_the_way_of_the_real_one(
    leased: Session, service: Connection
) -> None:
    forged = edit("A", "E", body="forged", sender_jid=CAROL, **IN_FAMILY)
    real = edit("A", "E", body="real", **IN_FAMILY)
    for changes in (forged, real):
        await store(service, leased, {"edits": [changes]})
    await store(service, leased, messages(message("A", **IN_FAMILY)))

    assert (await only_message(service))["body"] == "real"


async def test_what_cannot_be_read_yet_is_edited_once_it_can(
    leased: Session, service: Connection
) -> None:
    placeholder = message("A", kind="undecryptable", body=None)
    await store(service, leased, messages(placeholder) | {"edits": [edit("A", "E")]})
    assert (await only_message(service))["edited_at"] is None

    await store(service, leased, messages(message("A", body="one")))

    assert (await only_message(service))["body"] == "edit E"
    assert await versions(service) == [(0, "one")]


async def test_nobody_speaks_in_the_place_kept_for_somebody_else(
    leased: Session, service: Connection
) -> None:
    placeholder = message("A", kind="undecryptable", body=None, **IN_FAMILY)
    intruder = message("A", body="forged", sender_jid=CAROL, **IN_FAMILY)
    await store(service, leased, messages(placeholder))
    await store(service, leased, messages(intruder))

    kept = await only_message(service)
    assert (kept["kind"], kept["body"], kept["sender_jid"]) == (
        "undecryptable",
        None,
        BOB,
    )


@pytest.mark.parametrize(
    ("said", "deleted"),
    [
        (message("A"), revoke("A")),
        (message("A", **IN_FAMILY), revoke("A", **IN_FAMILY)),
        (ours("A"), revoke("A", from_me=True, revoked_by_jid=US)),
        (
            message("A", **IN_FAMILY),
            revoke("A", revoked_by_jid=CAROL, by_admin=True, **IN_FAMILY),
        ),
        (
            ours("A", **IN_FAMILY),
            revoke("A", from_me=True, revoked_by_jid=CAROL, by_admin=True, **IN_FAMILY),
        ),
    ],
    ids=["author", "author in a group", "ours", "admin", "admin, ours"],
)
@pytest.mark.parametrize("first", ["message", "deletion"])
async def test_authors_and_admins_delete_and_the_row_keeps_what_it_said(
    leased: Session, service: Connection, said: Row, deleted: Row, first: str
) -> None:
    batches: list[dict[str, Any]] = [messages(said), {"revokes": [deleted]}]
    for batch in batches if first == "message" else reversed(batches):
        await store(service, leased, batch)

    kept = await only_message(service)
    assert (kept["body"], kept["revoked_by_jid"]) == (
        "text A",
        deleted["revoked_by_jid"],
    )
    assert kept["revoked_at"] is not None
    shown = await service.fetchrow(
        "select * from wa_chats where jid = $1", said["chat_jid"]
    )
    assert shown is not None
    assert (shown["last_message_preview"], shown["last_message_kind"]) == (None, "text")


@pytest.mark.parametrize(
    ("said", "forged"),
    [
        (
            message("A", **IN_FAMILY),
            revoke("A", revoked_by_jid=CAROL, author_jid=BOB, **IN_FAMILY),
        ),
        (ours("A"), revoke("A", from_me=True)),
        (message("A"), revoke("A", revoked_by_jid=CAROL, by_admin=True)),
        (message("A"), revoke("A", from_me=True, revoked_by_jid=US)),
    ],
    ids=["another member", "of ours", "an admin of no group", "ours of theirs"],
)
async def test_nobody_else_deletes(
    leased: Session, service: Connection, said: Row, forged: Row
) -> None:
    await store(service, leased, messages(said) | {"revokes": [forged]})

    assert (await only_message(service))["revoked_at"] is None


async def test_the_preview_follows_an_edit_of_the_newest_message_only(
    leased: Session, service: Connection
) -> None:
    said = messages(message("A", sent_at=at(1)), message("B", sent_at=at(2)))
    await store(service, leased, said)

    await store(service, leased, {"edits": [edit("A", "E")]})
    assert await column(service, "select last_message_preview from wa_chats") == [
        "text B"
    ]
    await store(service, leased, {"edits": [edit("B", "F")]})
    assert await column(service, "select last_message_preview from wa_chats") == [
        "edit F"
    ]
    assert await column(service, "select unread_count from wa_chats") == [2]


async def test_history_that_tells_a_message_as_edited_does_not_hide_the_original(
    leased: Session, service: Connection
) -> None:
    edited = message("A", body="edit E", source="history")
    await store(service, leased, messages(edited) | {"edits": [edit("A", "E")]})
    await store(service, leased, messages(message("A", body="one")))

    assert (await only_message(service))["body"] == "edit E"
    assert await versions(service) == [(0, "one")]
