"""What a person decides: not to send it after all; what became of what is in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.database.conversation import column, message, messages, receipt
from tests.database.outbox import message_statuses, queue, queue_kind, sent, states
from tests.database.scene import Connection, Database, Row, Session, exchange, store


@pytest.fixture
async def member(database: Database, leased: Session) -> AsyncIterator[Connection]:
    async with database.as_member(leased.owner) as connection:
        yield connection


async def cancel(connection: Connection, row: str) -> Any:
    return await connection.fetchrow("select * from wa_cancel_outbox($1)", row)


async def resolve(connection: Connection, row: str, outcome: str) -> Any:
    query = "select * from wa_resolve_outbox($1, $2)"
    return await connection.fetchrow(query, row, outcome)


async def doubt(
    connection: Connection, session: Session, row: str, **result: Any
) -> None:
    await exchange(connection, session)
    unknown = {"id": row, "outcome": "uncertain", "code": "send_uncertain"}
    await exchange(connection, session, unknown | result)


async def rings(connection: Connection) -> Any:
    """How often the connectors' doorbell was rung."""
    query = "select count(*) from realtime.messages where event = 'outbox_queued'"
    return await connection.fetchval(query)


# --- Cancelling --------------------------------------------------------------------------


async def test_what_is_cancelled_is_not_sent_and_was_never_said(
    leased: Session, service: Connection, member: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    (row,) = await queue(service, leased, "oops")

    entry = await cancel(member, row)

    assert (entry["state"], entry["error_code"]) == ("cancelled", "cancelled")
    assert entry["payload"] == {"text": "oops"}
    assert await exchange(service, leased) == []
    assert await column(service, "select body from wa_messages") == ["text A"]
    chat = await service.fetchrow("select last_message_preview from wa_chats")
    assert chat is not None
    assert chat["last_message_preview"] == "text A"


async def test_cancelling_twice_is_cancelling_once(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oops")

    assert await cancel(member, row) == await cancel(member, row)


async def test_what_the_connector_has_taken_cannot_be_cancelled_any_more(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)

    with pytest.raises(asyncpg.PostgresError, match="any more: it is sending") as error:
        await cancel(member, row)
    assert error.value.sqlstate == "22023"

    await exchange(service, leased, sent(row))
    with pytest.raises(asyncpg.PostgresError, match="any more: it is sent") as error:
        await cancel(member, row)
    assert error.value.as_dict()["hint"] == (
        "A row of kind delete deletes the message for everyone."
    )
    assert await states(service) == ["sent"]


async def test_a_claim_and_a_cancellation_at_once_leave_one_of_them(
    database: Database, leased: Session, service: Connection, member: Connection
) -> None:
    rows = await queue(service, leased, *(f"text {n}" for n in range(20)))
    claimed: list[Row] = []

    async def claim() -> None:
        async with database.as_service() as connection:
            for _ in rows:
                claimed.extend(await exchange(connection, leased))

    async def cancel_all() -> set[str]:
        cancelled = set()
        for row in reversed(rows):
            try:
                cancelled.add(str((await cancel(member, row))["id"]))
            except asyncpg.PostgresError as error:
                assert error.sqlstate == "22023"  # noqa: PT017 - not all of them fail
        return cancelled

    _, cancelled = await asyncio.gather(claim(), cancel_all())

    assert {row["id"] for row in claimed} == set(rows) - cancelled


async def test_a_reaction_shows_no_message_that_could_disappear(
    leased: Session, service: Connection, member: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    named = await service.fetchval("select id::text from wa_messages")
    payload = {"message_id": named, "emoji": "👍"}
    row = await queue_kind(service, leased, "reaction", payload)

    assert (await cancel(member, row))["state"] == "cancelled"
    assert await column(service, "select whatsapp_id from wa_messages") == ["A"]


async def test_what_may_have_arrived_stays_although_it_is_cancelled(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await doubt(service, leased, row, whatsapp_id="3EB01")
    await resolve(member, row, "retry")

    await cancel(member, row)
    query = "select status, error_code from wa_messages"
    (shown,) = await service.fetch(query)
    assert tuple(shown.values()) == ("failed", "cancelled")

    await store(service, leased, {"receipts": [receipt("3EB01", "delivered")]})
    assert await states(service) == ["delivered"]
    (shown,) = await service.fetch(query)
    assert tuple(shown.values()) == ("delivered", None)


# --- What is in doubt --------------------------------------------------------------------


async def test_a_person_says_that_it_was_sent(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await doubt(service, leased, row)
    query = "select error_code from wa_messages"
    assert await column(service, query) == ["send_uncertain"]

    entry = await resolve(member, row, "sent")

    assert (entry["state"], entry["error_code"]) == ("sent", None)
    assert entry["sent_at"] == entry["claimed_at"]
    assert await message_statuses(service) == ["sent"]
    assert await column(service, query) == [None]
    assert await resolve(member, row, "sent") == entry


async def test_what_a_person_says_was_sent_has_its_effect(
    leased: Session, service: Connection, member: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    await service.execute("update wa_sessions set lid = '9@lid'")
    named = await service.fetchval("select id::text from wa_messages")
    payload = {"message_id": named, "emoji": "👍"}
    await doubt(service, leased, await queue_kind(service, leased, "reaction", payload))

    (row,) = await column(service, "select id::text from wa_outbox")
    await resolve(member, row, "sent")

    assert await column(service, "select emoji from wa_reactions") == ["👍"]
    # Only members mark as read.
    assert await service.fetchval("select read_up_to from wa_chats") is None


async def test_a_person_has_it_sent_again(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await doubt(service, leased, row, whatsapp_id="3EB01")
    before = await rings(service)

    entry = await resolve(member, row, "retry")

    assert (entry["state"], entry["attempts"], entry["error_code"]) == (
        "queued",
        0,
        None,
    )
    assert await rings(service) == before + 1
    assert await resolve(member, row, "retry") == entry
    assert [each["id"] for each in await exchange(service, leased)] == [row]
    await exchange(service, leased, sent(row, "3EB02"))
    assert await column(service, "select whatsapp_id from wa_messages") == ["3EB02"]


async def test_a_receipt_that_comes_before_the_second_send_makes_it_needless(
    leased: Session, service: Connection, member: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await doubt(service, leased, row, whatsapp_id="3EB01")
    await resolve(member, row, "retry")

    await store(service, leased, {"receipts": [receipt("3EB01", "delivered")]})

    assert await exchange(service, leased) == []
    assert await states(service) == ["delivered"]
    assert await message_statuses(service) == ["delivered"]


@pytest.mark.parametrize("outcome", ["sent", "retry"])
async def test_only_what_is_in_doubt_is_resolved(
    leased: Session, service: Connection, member: Connection, outcome: str
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(service, leased, {"id": row, "outcome": "failed", "code": "refused"})

    with pytest.raises(asyncpg.PostgresError, match="it is failed") as error:
        await resolve(member, row, outcome)

    assert error.value.sqlstate == "22023"


# --- Deleting, which only an app's server may ----------------------------------------


async def test_what_is_deleted_from_the_queue_is_not_shown_as_pending_for_ever(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    await queue(service, leased, "oops", "oh")

    await service.execute("delete from wa_outbox")

    assert await column(service, "select body from wa_messages") == ["text A"]
    assert await column(service, "select last_message_preview from wa_chats") == [
        "text A"
    ]


async def test_what_is_deleted_while_it_is_sent_may_have_been_sent(
    leased: Session, service: Connection
) -> None:
    await queue(service, leased, "under way")
    await exchange(service, leased)

    await service.execute("delete from wa_outbox")

    query = "select status || ' ' || error_code from wa_messages"
    assert await column(service, query) == ["failed send_uncertain"]


async def test_what_was_sent_stays_when_its_row_is_deleted(
    leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "oi")
    await exchange(service, leased)
    await exchange(service, leased, sent(row))

    await service.execute("delete from wa_outbox")

    assert await message_statuses(service) == ["sent"]
