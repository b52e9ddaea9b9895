"""What the connector is given to send."""

from __future__ import annotations

import asyncio
import uuid

import asyncpg
import pytest

from tests.database.outbox import BOB, ids, message_statuses, queue, sent, states
from tests.database.scene import Connection, Database, Session, claim, exchange, expire


async def test_rows_come_by_priority_then_time_then_insertion(
    leased: Session, service: Connection
) -> None:
    first, second = await queue(service, leased, "one", "two")
    (urgent,) = await queue(service, leased, "urgent", priority=5)

    claimed = await exchange(service, leased, limit=10)

    assert ids(claimed) == [urgent, first, second]
    assert [row["attempts"] for row in claimed] == [1, 1, 1]
    assert claimed[0]["chat_jid"] == BOB
    assert await states(service) == ["claimed", "claimed", "sending"]


async def test_a_row_is_not_claimed_before_its_time(
    leased: Session, service: Connection
) -> None:
    await service.execute(
        """insert into wa_outbox (session_id, "to", payload, send_after)
        values ($1, '1@lid', '{"text": "later"}', now() + interval '1 hour')""",
        leased.id,
    )

    assert await exchange(service, leased, limit=10) == []


async def test_two_exchanges_at_once_claim_each_row_once(
    database: Database, leased: Session, service: Connection
) -> None:
    wanted = await queue(service, leased, *(f"text {n}" for n in range(40)))

    async def claims() -> list[str]:
        taken: list[str] = []
        async with database.as_service() as connection:
            while rows := await exchange(connection, leased, limit=3):
                taken += ids(rows)
        return taken

    a, b = await asyncio.gather(claims(), claims())

    assert sorted(a + b) == sorted(wanted)


async def test_a_claim_in_progress_is_skipped(
    database: Database, leased: Session, service: Connection
) -> None:
    first, second = await queue(service, leased, "one", "two")
    async with database.as_service() as other, service.transaction():
        assert ids(await exchange(service, leased)) == [first]
        assert ids(await exchange(other, leased)) == [second]


async def test_a_paused_session_sends_nothing(
    leased: Session, service: Connection
) -> None:
    await queue(service, leased, "one")
    await service.execute(
        "update wa_sessions set paused_until = now() + interval '1 h'"
    )

    assert await exchange(service, leased) == []
    assert await states(service) == ["queued"]


async def test_a_stale_term_claims_nothing_and_records_nothing(
    database: Database, leased: Session, service: Connection
) -> None:
    (row,) = await queue(service, leased, "one")
    assert ids(await exchange(service, leased)) == [row]
    await expire(database, leased.id)
    assert await claim(service, "connector-b") == {leased.id: 2}

    with pytest.raises(asyncpg.PostgresError) as refusal:
        await exchange(service, leased, sent(row), term=1)

    assert refusal.value.sqlstate == "ZB001"
    assert await states(service) == ["sending"]


async def test_an_expired_lease_still_records_but_claims_nothing_new(
    database: Database, leased: Session, service: Connection
) -> None:
    row, _ = await queue(service, leased, "one", "two")
    await exchange(service, leased)
    await expire(database, leased.id)

    assert await exchange(service, leased, sent(row)) == []
    assert await states(service) == ["sent", "queued"]


async def test_the_next_holder_finds_what_the_last_one_left(
    database: Database, leased: Session, service: Connection
) -> None:
    begun, waiting, awaiting = await queue(service, leased, "one", "two", "three")
    await exchange(service, leased, limit=3, lineage="disk-1")
    await exchange(
        service,
        leased,
        {"id": awaiting, "outcome": "awaiting_receipt", "whatsapp_id": "3EB9"},
        limit=0,
    )
    await expire(database, leased.id)
    await claim(service, "connector-b")

    left = await service.fetch("select * from wa_unsettled_outbox($1, 2)", leased.id)

    assert ids(left) == [begun, waiting]
    assert {(row["claim_lineage"], row["claim_term"]) for row in left} == {
        ("disk-1", 1)
    }


async def test_with_what_was_left_comes_the_last_message_of_its_lineage(
    leased: Session, service: Connection
) -> None:
    first, second, other, left = await queue(service, leased, *"1234")
    for row, lineage in ((first, "disk-1"), (second, "disk-1"), (other, "disk-2")):
        await exchange(service, leased, lineage=lineage)
        await exchange(service, leased, sent(row, f"3EB0{row}"), limit=0)
    await exchange(service, leased, lineage="disk-1")

    [found] = await service.fetch("select * from wa_unsettled_outbox($1, 1)", leased.id)

    assert str(found["id"]) == left
    assert (str(found["witness_id"]), found["witness_claims"]) == (second, 1)


async def test_a_row_id_chosen_by_the_app_is_sent_once(
    database: Database, leased: Session, service: Connection
) -> None:
    chosen = str(uuid.uuid4())
    insert = """insert into wa_outbox (id, session_id, "to", payload)
        values ($1, $2, '+55 21 98765-4321', '{"text": "oi"}')"""
    async with database.as_member(leased.owner) as member:
        await member.execute(insert, chosen, leased.id)
        with pytest.raises(asyncpg.UniqueViolationError):
            await member.execute(insert, chosen, leased.id)
        await member.execute(f"{insert} on conflict do nothing", chosen, leased.id)

    assert ids(await exchange(service, leased, limit=10)) == [chosen]
    assert await message_statuses(service) == ["pending"]
