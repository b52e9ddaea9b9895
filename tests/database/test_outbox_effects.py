"""What it changes in the chats that something was sent, whoever tells it, in any order."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.database.conversation import (
    BOB,
    NOON,
    US,
    column,
    edit,
    id_of,
    message,
    messages,
    ours,
    reaction,
    receipt,
    revoke,
)
from tests.database.outbox import queue, queue_kind, sent, states
from tests.database.scene import (
    Connection,
    Database,
    Session,
    exchange,
    store,
)

Step = Callable[[], Awaitable[object]]


@pytest.fixture
async def linked(leased: Session, service: Connection) -> Session:
    """Our own address is known, and so are a message of Bob's and one of ours."""
    await service.execute("update wa_sessions set lid = $1", US)
    await store(service, leased, messages(message("BOBS"), ours("OURS")))
    return leased


async def send(
    connection: Connection,
    session: Session,
    kind: str,
    whatsapp_id: str,
    **payload: Any,
) -> str:
    """Queue and claim a row, and say that it was sent; returns its id."""
    row = await queue_kind(connection, session, kind, payload)
    await exchange(connection, session)
    await exchange(connection, session, sent(row, whatsapp_id), limit=0)
    return row


# --- Reactions, edits, deletions ---------------------------------------------------------


async def test_a_reaction_shows_once_it_is_sent_and_goes_when_it_is_taken_back(
    linked: Session, service: Connection
) -> None:
    named = await id_of(service, "BOBS")
    row = await queue_kind(
        service, linked, "reaction", {"message_id": named, "emoji": "👍"}
    )
    await exchange(service, linked)
    assert await column(service, "select emoji from wa_reactions") == []

    await exchange(service, linked, sent(row, "3EB01"))
    (shown,) = await service.fetch("select * from wa_reactions")
    assert (shown["whatsapp_id"], shown["sender_jid"], shown["emoji"]) == (
        "BOBS",
        US,
        "👍",
    )
    assert (shown["from_me"], shown["sender_contact_id"]) == (True, None)

    # Within the same second, as far as WhatsApp says.
    await send(service, linked, "reaction", "3EB02", message_id=named, emoji="")
    assert await column(service, "select emoji from wa_reactions") == [""]


async def test_an_edit_keeps_what_was_said_before(
    linked: Session, service: Connection
) -> None:
    named = await id_of(service, "OURS")

    await send(
        service,
        linked,
        "edit",
        "3EB01",
        message_id=named,
        text="better",
        mentions=["+55 21 98765-4321"],
    )
    await send(service, linked, "edit", "3EB02", message_id=named, text="best")

    assert (
        await service.fetchval("select body from wa_messages where from_me") == "best"
    )
    earlier = "select body from wa_message_edits order by version"
    assert await column(service, earlier) == ["text OURS", "better"]
    mentions = (
        "select mentions from wa_private.message_changes where change_id = '3EB01'"
    )
    assert await service.fetchval(mentions) == ["5521987654321@s.whatsapp.net"]
    preview = "select last_message_preview from wa_chats"
    assert await service.fetchval(preview) == "best"


async def test_a_deleted_message_says_that_we_deleted_it(
    linked: Session, service: Connection
) -> None:
    await send(
        service, linked, "delete", "3EB01", message_id=await id_of(service, "OURS")
    )

    query = "select revoked_by_jid from wa_messages where revoked_at is not null"
    assert await column(service, query) == [US]


async def test_what_was_not_sent_changes_nothing(
    linked: Session, service: Connection
) -> None:
    named = {"message_id": await id_of(service, "OURS")}
    for kind, more in (("edit", {"text": "x"}), ("delete", {}), ("read", {})):
        row = await queue_kind(service, linked, kind, named | more)
        await exchange(service, linked)
        for outcome in ("retry", "failed"):
            result = {"id": row, "outcome": outcome, "code": "refused"}
            await exchange(service, linked, result)

    assert await column(service, "select change from wa_private.message_changes") == []
    assert await service.fetchval("select unread_count from wa_chats") == 1


async def test_what_it_speaks_of_may_be_gone_by_then(
    database: Database, linked: Session, service: Connection
) -> None:
    named = {"message_id": await id_of(service, "OURS")}
    kinds: list[tuple[str, dict[str, str]]] = [
        ("reaction", {"emoji": "👍"}),
        ("edit", {"text": "x"}),
        ("delete", {}),
        ("read", {}),
    ]
    rows = [
        await queue_kind(service, linked, kind, named | more) for kind, more in kinds
    ]
    await exchange(service, linked, limit=4)
    async with database.as_postgres() as owner:
        await owner.execute("delete from wa_messages where from_me")

    await exchange(service, linked, *(sent(row, f"3EB{row}") for row in rows))

    assert await states(service) == ["sent"] * 4


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
async def test_echo_receipt_and_result_end_alike_in_any_order(
    linked: Session, service: Connection, order: tuple[int, ...]
) -> None:
    named = {"message_id": await id_of(service, "OURS")}
    rows = [
        await queue_kind(service, linked, "edit", named | {"text": "new"}),
        await queue_kind(service, linked, "reaction", named | {"emoji": "👍"}),
        await queue_kind(service, linked, "delete", named),
    ]
    ids = ["3EB01", "3EB02", "3EB03"]
    await exchange(service, linked, limit=3)
    echo = {
        "edits": [edit("OURS", "3EB01", from_me=True, sender_jid=US, body="new")],
        "reactions": [reaction("OURS", "👍", sender_jid=US, from_me=True)],
        "revokes": [revoke("OURS", from_me=True, revoked_by_jid=US)],
    }
    ticks = {"receipts": [receipt(whatsapp_id, "read") for whatsapp_id in ids]}
    steps: list[Step] = [
        lambda: store(service, linked, echo),
        lambda: store(service, linked, ticks),
        lambda: exchange(service, linked, *map(sent, rows, ids), limit=0),
    ]

    for place in (*order, *order):
        await steps[place]()

    assert await states(service) == ["read"] * 3
    message = await service.fetchrow("select * from wa_messages where from_me")
    assert message is not None
    assert (message["body"], message["revoked_by_jid"]) == ("new", US)
    assert await column(service, "select body from wa_message_edits") == ["text OURS"]
    assert await column(service, "select emoji from wa_reactions") == ["👍"]


async def test_a_receipt_that_settles_a_row_shows_its_effect(
    linked: Session, service: Connection
) -> None:
    named = {"message_id": await id_of(service, "BOBS"), "emoji": "👍"}
    row = await queue_kind(service, linked, "reaction", named)
    await exchange(service, linked)
    waiting = {"id": row, "outcome": "awaiting_receipt", "whatsapp_id": "3EB01"}
    await exchange(service, linked, waiting)
    assert await column(service, "select emoji from wa_reactions") == []

    await store(service, linked, {"receipts": [receipt("3EB01", "delivered")]})

    assert await states(service) == ["delivered"]
    assert await column(service, "select emoji from wa_reactions") == ["👍"]


# --- Reading -----------------------------------------------------------------------------


async def test_a_read_chat_has_nothing_unread_but_what_came_since(
    linked: Session, service: Connection
) -> None:
    row = await queue_kind(service, linked, "read", {})
    await exchange(service, linked)
    await store(
        service, linked, messages(message("LATER", sent_at="2026-01-02T12:00:09Z"))
    )

    await exchange(service, linked, {"id": row, "outcome": "sent"})

    assert await states(service) == ["sent"]
    assert await service.fetchval("select unread_count from wa_chats") == 1
    again = await queue_kind(service, linked, "read", {})
    query = """select wa_private.outbox_references(entry) -> 'unread' -> 0 ->> 'whatsapp_id'
        from wa_outbox as entry where id = $1"""
    assert await service.fetchval(query, again) == "LATER"


async def test_a_chat_is_read_up_to_the_message_that_is_named(
    linked: Session, service: Connection
) -> None:
    later = message("LATER", sent_at="2026-01-02T12:00:09Z")
    await store(service, linked, messages(later))

    named = await id_of(service, "BOBS")
    await send(service, linked, "read", "", message_id=named)

    chat = await service.fetchrow("select unread_count, read_up_to from wa_chats")
    assert chat is not None
    assert chat["unread_count"] == 1
    assert chat["read_up_to"].isoformat() == NOON.replace("Z", "+00:00")


async def test_ticks_that_may_have_been_shown_are_shown_again(
    linked: Session, service: Connection
) -> None:
    row = await queue_kind(service, linked, "read", {})
    await exchange(service, linked)

    await exchange(service, linked, {"id": row, "outcome": "uncertain"}, limit=0)

    assert await states(service) == ["queued"]


# --- The message itself ------------------------------------------------------------------


async def test_an_echo_brings_its_ticks_along(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    echo = ours("3EB0", status="read", source="history", chat_jid=BOB)
    await store(service, leased, messages(echo))

    await exchange(service, leased, sent(row))

    (shown,) = await service.fetch("select status, source, body from wa_messages")
    assert tuple(shown.values()) == ("read", "outbox", "oi")


async def test_a_reply_to_what_was_queued_before_it_names_it_in_the_end(
    leased: Session, service: Connection
) -> None:
    original, reply = await queue(service, leased, "question", "answer")
    await service.execute(
        """update wa_outbox as entry set payload = payload || jsonb_build_object('reply_to',
        (select message_id from wa_outbox where id = $1)) where entry.id = $2""",
        original,
        reply,
    )
    await service.execute(
        """update wa_messages set quoted_message_id =
        (select message_id from wa_outbox where id = $1) where body = 'answer'""",
        original,
    )
    await exchange(service, leased, limit=2)

    await exchange(service, leased, sent(original, "3EB01"), sent(reply, "3EB02"))

    query = "select quoted_whatsapp_id from wa_messages where body = 'answer'"
    assert await service.fetchval(query) == "3EB01"
