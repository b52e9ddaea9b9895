"""Thousands may be queued: what is asked about them must not be asked of each."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.database.outbox import BOB, ids, queue, read, sent, states
from tests.database.scene import (
    PATIENCE_SECONDS,
    Connection,
    Database,
    Session,
    ask_outbox,
    store,
)

CALLS = """select coalesce(sum(calls), 0)::integer from pg_stat_xact_user_functions
    where schemaname = 'wa_private' and funcname like $1"""
QUEUED = "select count(*) from wa_outbox where state = 'queued'"
SCANS = """select idx_scan::integer from pg_stat_xact_user_tables
    where relname = 'wa_outbox'"""
FETCHED = """select idx_tup_fetch::integer from pg_stat_xact_user_tables
    where relname = 'wa_outbox'"""
AT_MOST_200 = """create or replace function wa_private.most_queued() returns integer
    language sql immutable set search_path = '' as 'select 200'"""
IN_A_DAY = datetime.now(UTC) + timedelta(days=1)
WROTE_EVER = """explain (costs off) select from wa_messages
    where chat_id = gen_random_uuid() and not from_me"""
CHAT_OF = """explain (costs off) select from wa_chats
    where session_id = '00000000-0000-0000-0000-000000000000' and jid = '1@lid'"""


@pytest.fixture
async def counted(database: Database) -> AsyncIterator[Connection]:
    """A connector whose calls of functions are counted."""
    admin = await asyncpg.connect(
        database.server.url("supabase_admin", database.name),
        command_timeout=PATIENCE_SECONDS,
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


async def test_thousands_that_expire_together_keep_nothing_else_waiting(
    service: Connection, leased: Session
) -> None:
    swept_at_once = 500
    late = await queue(service, leased, *["late"] * (swept_at_once + 1))
    await service.execute("update wa_outbox set expires_at = now() - interval '1 s'")
    [text] = await queue(service, leased, "oi")

    first = await ask_outbox(service, leased, limit=16)
    unswept = await service.fetchval(QUEUED)
    second = await ask_outbox(service, leased, sent(text), limit=16)

    assert ids(first["rows"]) == [text]
    assert unswept == 1
    assert second == {"rows": [], "look_again_in_seconds": None}
    assert await states(service) == ["expired"] * len(late) + ["sent"]


@pytest.mark.parametrize("limit", [None, 1000])
async def test_what_is_swept_later_is_looked_at_at_once(
    service: Connection, leased: Session, limit: int | None
) -> None:
    await service.execute("update wa_sessions set send_per_day = $1", limit)
    await queue(service, leased, *["late"] * 501)
    await service.execute("update wa_outbox set expires_at = now() - interval '1 s'")

    answer = await ask_outbox(service, leased)

    assert answer == {"rows": [], "look_again_in_seconds": 0}


async def test_a_priority_for_each_row_is_no_way_to_keep_postgres_busy(
    service: Connection, leased: Session
) -> None:
    await queue(service, leased, *["later"] * 1000, send_after=IN_A_DAY)
    await service.execute("update wa_outbox set priority = seq")

    async with service.transaction():
        before = await service.fetchval(SCANS)
        answer = await ask_outbox(service, leased)
        scans = await service.fetchval(SCANS) - before

    assert answer["look_again_in_seconds"] == 3600
    assert 0 < scans < 20


async def test_of_thousands_that_are_due_only_the_next_is_read(
    service: Connection, leased: Session
) -> None:
    await queue(service, leased, *["oi"] * 1000)

    async with service.transaction():
        before = await service.fetchval(FETCHED)
        answer = await ask_outbox(service, leased)
        fetched = await service.fetchval(FETCHED) - before

    assert len(answer["rows"]) == 1
    assert fetched < 50


async def test_what_a_result_and_its_receipt_cost_does_not_grow_with_what_was_sent(
    service: Connection, leased: Session
) -> None:
    # One connection: its plans are those of an empty table.
    many = 150
    costs = []

    for turn in range(2):
        rows = await queue(service, leased, *["oi"] * many)
        await ask_outbox(service, leased, limit=many)
        results = [sent(row, f"3EB0{turn}{row}") for row in rows]
        async with service.transaction():
            before = await service.fetchval(FETCHED)
            await ask_outbox(service, leased, results[0], limit=0)
            await store(service, leased, read(results[0]["whatsapp_id"]))
            costs.append(await service.fetchval(FETCHED) - before)
        await ask_outbox(service, leased, *results[1:], limit=0)

    assert await states(service) == ["read", *["sent"] * (many - 1)] * 2
    assert 0 < costs[1] < costs[0] + many / 2


async def test_a_loop_in_an_app_fills_nobodys_disk(
    database: Database, service: Connection, leased: Session
) -> None:
    other = await database.session()
    async with database.as_postgres() as operator:
        await operator.execute(AT_MOST_200)

    await queue(service, leased, *["oi"] * 200)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await queue(service, leased, *["oi"] * 64)
    await queue(service, other, *["oi"] * 64)
    await ask_outbox(service, leased, limit=64)
    await queue(service, leased, *["oi"] * 64)

    assert (refusal.value.sqlstate, refusal.value.detail) == ("PT429", "queue_full")
    assert await service.fetchval(QUEUED) == 200 + 64


async def test_single_inserts_fill_no_queue_without_end(
    database: Database, service: Connection, leased: Session
) -> None:
    other = await database.session()
    async with database.as_postgres() as operator:
        await operator.execute(AT_MOST_200)
    for number in (leased, other):
        await queue(service, number, *["oi"] * 200)

    for one, another in ((leased, other), (other, leased)):
        with pytest.raises(asyncpg.PostgresError, match="may wait are waiting"):
            await insert_in_turn(service, one, another)


async def insert_in_turn(
    connection: Connection, one: Session, another: Session
) -> None:
    """By an app that goes on whatever it is told of the other one."""
    for _ in range(64):
        await queue(connection, one, "oi")
        with contextlib.suppress(asyncpg.PostgresError):
            await queue(connection, another, "oi")


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


async def test_a_recipient_is_not_looked_for_among_all_chats(
    service: Connection,
) -> None:
    """As it is planned while there are none yet, for the first thousands too."""
    plan = await service.fetch(CHAT_OF)

    assert "wa_chats_session_id_jid_key" in str(plan)
