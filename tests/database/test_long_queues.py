"""Thousands may be queued: what is asked about them must not be asked of each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.database.outbox import BOB, queue
from tests.database.scene import Connection, Database, Session, ask_outbox

CALLS = """select coalesce(sum(calls), 0)::integer from pg_stat_xact_user_functions
    where schemaname = 'wa_private' and funcname like $1"""
WROTE_EVER = """explain (costs off) select from wa_messages
    where chat_id = gen_random_uuid() and not from_me"""


@pytest.fixture
async def counted(database: Database) -> AsyncIterator[Connection]:
    """A connector whose calls of functions are counted."""
    admin = await asyncpg.connect(
        database.server.url("supabase_admin", database.name), command_timeout=10
    )
    await admin.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
    await admin.execute("set track_functions = 'all'")
    await admin.execute("set role service_role")
    yield admin
    await admin.close()


async def test_why_rows_wait_is_asked_of_those_only_that_are_told(
    counted: Connection, leased: Session
) -> None:
    most_told = 1000
    await queue(counted, leased, *["oi"] * (most_told + 50))

    async with counted.transaction():
        told = await counted.fetch("select * from wa_why_waiting($1)", leased.id)
        asked = await counted.fetchval(CALLS, "reason_to_wait")

    assert len(told) == asked == most_told


@pytest.mark.parametrize("limit", [None, 1000])
async def test_a_chat_that_waits_is_passed_in_one_step(
    counted: Connection, leased: Session, limit: int | None
) -> None:
    await counted.execute("update wa_sessions set send_per_day = $1", limit)
    [first] = await queue(counted, leased, "refused for now")
    await counted.execute(
        "update wa_outbox set retry_at = now() + interval '1 hour' where id = $1", first
    )
    calls = []

    for _ in range(2):
        await queue(counted, leased, *["held back"] * 50)
        async with counted.transaction():
            before = await counted.fetchval(CALLS, "%")
            answer = await ask_outbox(counted, leased)
            calls.append(await counted.fetchval(CALLS, "%") - before)
        assert answer["rows"] == []

    assert calls[0] == calls[1] > 0


async def test_a_tick_refused_for_now_holds_back_no_message(
    service: Connection, leased: Session
) -> None:
    await service.execute(
        'insert into wa_outbox (session_id, "to", kind) values ($1, $2, $3)',
        leased.id,
        BOB,
        "read",
    )
    await service.execute("update wa_outbox set retry_at = now() + interval '1 hour'")
    [text] = await queue(service, leased, "oi")

    answer = await ask_outbox(service, leased)

    assert [row["id"] for row in answer["rows"]] == [text]


async def test_whether_somebody_ever_wrote_is_known_without_reading_what_we_wrote(
    service: Connection,
) -> None:
    await service.execute("set enable_seqscan = off")

    plan = await service.fetch(WROTE_EVER)

    assert "wa_messages_incoming_idx" in str(plan)
