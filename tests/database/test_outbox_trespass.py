"""What somebody who has no business with a session learns of it, and leaves in it: nothing."""

from __future__ import annotations

import uuid

import asyncpg
import pytest

from tests.database.conversation import BOB, id_of, message
from tests.database.scene import Connection, Database, Session, store

REACT = """insert into wa_outbox (session_id, kind, payload)
    values ($1, 'reaction', jsonb_build_object('message_id', $2::text, 'emoji', '👍'))"""
# As an app may let its customers cause messages, who are members of nothing.
APPS_FUNCTION = """create function public.book(session uuid, payload jsonb) returns uuid
    language sql security definer as $$
      insert into public.wa_outbox (session_id, "to", payload)
      values (session, '1@lid', payload) returning id
    $$"""


@pytest.fixture
async def stranger(database: Database) -> str:
    return (await database.session()).owner


async def test_whoever_is_nobody_is_told_of_no_message(
    database: Database, leased: Session, service: Connection
) -> None:
    chats = [{"jid": BOB, "kind": "direct"}]
    await store(service, leased, {"chats": chats, "messages": [message("IN")]})
    there, not_there = await id_of(service, "IN"), str(uuid.uuid4())

    async with database.as_postgres() as nobody:
        await nobody.execute("set role authenticated")
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as found:
            await nobody.execute(REACT, leased.id, there)
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as missed:
            await nobody.execute(REACT, leased.id, not_there)

    assert str(found.value) == str(missed.value)


async def test_a_function_of_the_app_may_send_for_its_customers(
    database: Database, session: Session, stranger: str
) -> None:
    async with database.as_postgres() as app:
        await app.execute(APPS_FUNCTION)

    async with database.as_member(stranger) as customer:
        row = await customer.fetchval(
            "select book($1, $2)", session.id, {"text": "See you at 8."}
        )

    assert row is not None


async def test_nor_does_such_a_function_leave_what_can_never_be_sent(
    database: Database, session: Session, stranger: str
) -> None:
    async with database.as_postgres() as app:
        await app.execute(APPS_FUNCTION)

    async with database.as_member(stranger) as customer:
        with pytest.raises(asyncpg.NotNullViolationError):
            await customer.execute("select book($1, $2)", session.id, {"txt": "typo"})


async def test_a_recipient_is_short_also_where_a_message_says_whose_chat_it_is(
    leased: Session, service: Connection
) -> None:
    chats = [{"jid": BOB, "kind": "direct"}]
    await store(service, leased, {"chats": chats, "messages": [message("IN")]})
    payload = {"message_id": await id_of(service, "IN"), "emoji": "👍"}
    insert = """insert into wa_outbox (session_id, "to", kind, payload)
        values ($1, $2, 'reaction', $3)"""

    await service.execute(insert, leased.id, f"{BOB} ", payload)
    with pytest.raises(asyncpg.CheckViolationError):
        await service.execute(insert, leased.id, BOB + " " * 200, payload)


async def test_a_gap_is_a_number(database: Database, session: Session) -> None:
    async with database.as_member(session.owner) as member:
        with pytest.raises(asyncpg.CheckViolationError):
            await member.execute("update wa_sessions set send_gap_seconds = 'NaN'")
