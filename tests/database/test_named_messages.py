"""The messages that a row speaks of: in their chat, and only what can be done to them."""

from __future__ import annotations

import asyncpg
import pytest

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
from tests.database.outbox import pending, queue, queue_kind, refused, states
from tests.database.scene import Connection, Database, Row, Session, exchange, store


async def test_what_is_done_to_a_message_is_done_in_its_chat(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", chat_jid=FAMILY)))
    named = {"message_id": await id_of(service, "A")}
    chat_id = str(await service.fetchval("select id from wa_chats"))

    for to in (None, "", FAMILY, chat_id, chat_id.upper()):
        row = await queue_kind(
            service, leased, "reaction", named | {"emoji": "👍"}, to=to
        )
        (entry,) = await service.fetch("select * from wa_outbox where id = $1", row)
        assert (str(entry["chat_id"]), entry["to_jid"]) == (chat_id, FAMILY)
        assert entry["to"] == (to or chat_id)
    for to in (BOB, "5521987654321", "banana", "00000000-0000-0000-0000-000000000000"):
        assert await refused(service, leased, "read", to=to, **named) == (
            "invalid_to",
            "to must be the chat of the message, or left out.",
        )


@pytest.mark.parametrize(
    ("kind", "name", "more", "code"),
    [
        ("reaction", "CALL", {"emoji": "👍"}, "message_not_found"),
        ("edit", "A", {"text": "x"}, "not_yours"),
        ("edit", "PICTURE", {"text": "x"}, "not_editable"),
        ("edit", "GONE", {"text": "x"}, "already_deleted"),
        ("delete", "A", {}, "not_yours"),
        ("delete", "GONE", {}, "already_deleted"),
        ("forward", "POLL", {}, "not_forwardable"),
        ("forward", "GONE", {}, "already_deleted"),
        ("reaction", "GONE", {"emoji": "👍"}, "already_deleted"),
    ],
)
async def test_what_can_never_be_done_to_a_message_is_refused(
    leased: Session, service: Connection, kind: str, name: str, more: Row, code: str
) -> None:
    said = messages(
        message("A"),
        message("CALL", kind="call"),
        message("POLL", kind="poll"),
        ours("PICTURE", kind="image"),
        ours("GONE"),
    )
    gone = revoke("GONE", from_me=True, revoked_by_jid=US)
    await store(service, leased, said | {"revokes": [gone]})
    to = CAROL if kind == "forward" else None

    found, sentence = await refused(
        service, leased, kind, to=to, message_id=await id_of(service, name), **more
    )

    assert found == code
    assert sentence.startswith("payload.message_id ")


async def test_somebody_elses_message_in_a_group_may_be_deleted_by_its_admins(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", chat_jid=FAMILY)))

    named = {"message_id": await id_of(service, "A")}
    await queue_kind(service, leased, "delete", named, to=None)

    assert await states(service) == ["queued"]


async def test_what_was_never_sent_is_not_spoken_of(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    named = str((await pending(service))["id"])
    await queue_kind(service, leased, "reaction", {"message_id": named, "emoji": "👍"})
    await exchange(service, leased)
    await exchange(service, leased, {"id": row, "outcome": "failed", "code": "x"})

    code, _ = await refused(service, leased, "delete", message_id=named)

    assert code == "message_not_sent"


@pytest.mark.parametrize("field", ["message_id", "reply_to"])
async def test_another_sessions_message_is_none(
    database: Database, leased: Session, service: Connection, field: str
) -> None:
    stranger = await database.session()
    await queue(service, stranger, "theirs")
    theirs = str((await pending(service))["id"])
    kind = "forward" if field == "message_id" else "text"
    text = {} if kind == "forward" else {"text": "x"}

    refusal = await refused(service, leased, kind, to=BOB, **text, **{field: theirs})

    assert refusal == (
        "message_not_found",
        f"payload.{field} must be the id of a message of this session.",
    )


async def test_who_may_not_send_from_a_session_learns_nothing_of_its_messages(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    there = await id_of(service, "A")
    stranger = await database.session()

    async with database.as_member(stranger.owner) as member:
        for named in (there, "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await queue_kind(member, leased, "read", {"message_id": named}, to=None)
