"""Which numbers are on WhatsApp: asked by an app, handed out, answered, remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from tests.database.scene import Connection, Database, Session

BOB = "5521987654321"
CARLA = "5511987654321"
CARLA_SHORT = "551187654321"
CARLAS_LID = "444000444000444@lid"
NOBODY = "5511000000000"


async def ask(
    connection: Connection, session: Session, *numbers: str
) -> list[asyncpg.Record]:
    return await connection.fetch(
        "select * from wa_check_numbers($1, $2)", session.id, list(numbers)
    )


async def handed_out(
    connection: Connection, session: Session, limit: int = 50
) -> list[str]:
    rows = await connection.fetch(
        "select * from wa_next_number_checks($1, 1, $2)", session.id, limit
    )
    return [row["number"] for row in rows]


async def answer(
    connection: Connection, session: Session, *answers: Mapping[str, Any]
) -> None:
    await connection.execute(
        "select wa_record_number_checks($1, 1, $2)", session.id, list(answers)
    )


def known(number: str, **columns: Any) -> dict[str, Any]:
    jid = f"{number}@s.whatsapp.net"
    columns = {"jid": jid, "phone_number": number, **columns}
    return {"number": number, "on_whatsapp": True, **columns}


def unknown(number: str) -> dict[str, Any]:
    return {"number": number, "on_whatsapp": False}


async def check(connection: Connection, number: str) -> asyncpg.Record:
    row = await connection.fetchrow(
        "select * from wa_number_checks where number = $1", number
    )
    assert row is not None
    return row


async def later(connection: Connection, interval: str) -> None:
    """Let time pass, by moving what was noted into the past."""
    await connection.execute(
        "update wa_number_checks set checked_at = checked_at - $1::text::interval",
        interval,
    )
    await connection.execute(
        "update wa_private.number_questions set asked_at = asked_at - $1::text::interval",
        interval,
    )
    await connection.execute(
        "update wa_sessions set number_checks_paused_until ="
        " number_checks_paused_until - $1::text::interval",
        interval,
    )


async def rings(connection: Connection) -> int:
    count = await connection.fetchval(
        "with rung as (delete from realtime.messages where event = 'numbers_queued'"
        " and topic = 'wa:connectors' and private returning 1)"
        " select count(*) from rung"
    )
    return int(count)


async def test_what_is_asked_is_handed_out_once_and_answered(
    database: Database, leased: Session, service: Connection
) -> None:
    async with database.as_member(leased.owner) as member:
        queued = await ask(member, leased, f"+{CARLA_SHORT}", NOBODY)
    assert [row["state"] for row in queued] == ["queued", "queued"]

    assert set(await handed_out(service, leased)) == {CARLA_SHORT, NOBODY}
    assert await handed_out(service, leased) == []
    carla = known(
        CARLA_SHORT, jid=CARLAS_LID, phone_number=CARLA, business_name="Padaria"
    )
    await answer(service, leased, carla, unknown(NOBODY))

    async with database.as_member(leased.owner) as member:
        found, missing = await ask(member, leased, CARLA_SHORT, NOBODY)
    assert (found["state"], found["on_whatsapp"]) == ("done", True)
    assert (found["jid"], found["phone_number"]) == (CARLAS_LID, CARLA)
    assert found["business_name"] == "Padaria"
    assert (missing["state"], missing["on_whatsapp"]) == ("done", False)
    assert (missing["jid"], missing["phone_number"]) == (None, None)
    assert [str(row["id"]) for row in (found, missing)] == [
        str(row["id"]) for row in queued
    ]


async def test_within_a_week_nothing_is_asked_again_and_nobody_is_rung(
    database: Database, leased: Session, service: Connection
) -> None:
    await ask(service, leased, BOB)
    await handed_out(service, leased)
    await answer(service, leased, known(BOB))

    async with database.as_postgres() as observer:
        assert await rings(observer) == 1
        await later(observer, "6 days 23 hours")
        [row] = await ask(service, leased, BOB)
        assert (row["state"], await rings(observer)) == ("done", 0)
        assert await handed_out(service, leased) == []

        await later(observer, "2 hours")
        [row] = await ask(service, leased, BOB)
        assert (row["state"], await rings(observer)) == ("queued", 1)
    assert row["on_whatsapp"], "what was known is shown until there is an answer"
    assert await handed_out(service, leased) == [BOB]


async def test_what_waits_already_is_not_queued_again(
    database: Database, leased: Session, service: Connection
) -> None:
    [first] = await ask(service, leased, BOB)
    [again] = await ask(service, leased, BOB)

    assert again == first
    async with database.as_postgres() as observer:
        assert await rings(observer) == 1


async def test_a_check_that_failed_is_queued_when_it_is_asked_for_again(
    leased: Session, service: Connection
) -> None:
    await ask(service, leased, BOB)
    silence = {"error_code": "no_answer", "error_message": "WhatsApp said nothing."}
    await answer(service, leased, {"number": BOB, **silence})
    failed = await check(service, BOB)
    assert (failed["state"], failed["error_code"]) == ("failed", "no_answer")
    assert (failed["checked_at"], failed["on_whatsapp"]) == (None, None)

    [row] = await ask(service, leased, BOB)

    assert (row["state"], row["error_code"], row["error_message"]) == (
        "queued",
        None,
        None,
    )


async def test_whose_answer_is_not_recorded_is_handed_out_again_ever_later(
    leased: Session, service: Connection
) -> None:
    await ask(service, leased, BOB)
    assert await handed_out(service, leased) == [BOB]

    await later(service, "1 minute")
    assert await handed_out(service, leased) == []
    await later(service, "61 seconds")
    assert await handed_out(service, leased) == [BOB]
    await later(service, "3 minutes")
    assert await handed_out(service, leased) == []
    await later(service, "61 seconds")
    assert await handed_out(service, leased) == [BOB]


async def test_the_first_to_ask_is_first_and_the_unanswered_last(
    leased: Session, service: Connection
) -> None:
    await ask(service, leased, BOB)
    await handed_out(service, leased)
    await later(service, "1 hour")
    await ask(service, leased, NOBODY)
    await ask(service, leased, CARLA)

    assert await handed_out(service, leased, 1) == [NOBODY]
    assert await handed_out(service, leased, 1) == [CARLA]
    assert await handed_out(service, leased, 1) == [BOB]


async def test_at_most_fifty_are_handed_out_at_once_and_two_thousand_a_day(
    leased: Session, service: Connection
) -> None:
    for hundreds in range(3):
        first = 5511900000000 + 1000 * hundreds
        await ask(service, leased, *map(str, range(first, first + 1000)))
    counts = []
    while numbers := await handed_out(service, leased, 1000):
        counts.append(len(numbers))
        await answer(service, leased, *map(unknown, numbers))

    assert counts == [50] * 40
    await later(service, "23 hours")
    assert await handed_out(service, leased) == []
    await later(service, "61 minutes")
    assert len(await handed_out(service, leased)) == 50


async def test_what_was_asked_before_a_send_counts_too(
    leased: Session, service: Connection
) -> None:
    numbers = [str(number) for number in range(5511900000000, 5511900001990)]
    await answer(service, leased, *map(known, numbers))
    await ask(service, leased, *(str(n) for n in range(5521900000000, 5521900000020)))

    assert len(await handed_out(service, leased)) == 10
    assert await service.fetchval("select count(*) from wa_number_checks") == 2010


async def test_while_paused_nothing_is_handed_out_and_nothing_fails(
    leased: Session, service: Connection
) -> None:
    await ask(service, leased, BOB)
    await service.execute("select wa_pause_number_checks($1, 1, 600)", leased.id)
    await service.execute("select wa_pause_number_checks($1, 1, 5)", leased.id)

    await later(service, "9 minutes")
    assert await handed_out(service, leased) == []
    assert (await check(service, BOB))["state"] == "queued"
    await later(service, "61 seconds")
    assert await handed_out(service, leased) == [BOB]


@pytest.mark.parametrize(
    ("paused", "asked"),
    [
        ("new_chats_paused_until = now() + interval '1 hour'", []),
        ("paused_until = 'infinity', pause_reason = 'restricted'", []),
        ("paused_until = 'infinity', pause_reason = 'member'", [BOB]),
        ("paused_until = now(), pause_reason = 'restricted'", [BOB]),
    ],
)
async def test_a_number_that_whatsapp_has_restricted_asks_about_nobody(
    leased: Session, service: Connection, paused: str, asked: list[str]
) -> None:
    await ask(service, leased, BOB)
    await service.execute(f"update wa_sessions set {paused}")  # noqa: S608 - above

    assert await handed_out(service, leased) == asked


async def test_that_nothing_was_answered_takes_nothing_back(
    leased: Session, service: Connection
) -> None:
    silence = {"number": BOB, "error_code": "no_answer"}
    await answer(service, leased, known(BOB))
    await answer(service, leased, silence)
    assert (await check(service, BOB))["state"] == "done"

    await later(service, "8 days")
    await answer(service, leased, silence)
    assert (await check(service, BOB))["state"] == "failed"


async def test_for_a_week_it_is_known_whom_not_to_write_to(
    leased: Session, service: Connection
) -> None:
    await answer(service, leased, unknown(NOBODY), known(BOB))

    async def on_whatsapp(jid: str | None) -> object:
        return await service.fetchval(
            "select wa_private.on_whatsapp($1, $2)", leased.id, jid
        )

    assert await on_whatsapp(f"{NOBODY}@s.whatsapp.net") is False
    assert await on_whatsapp(f"{BOB}@s.whatsapp.net") is True
    for other in (f"{CARLA}@s.whatsapp.net", CARLAS_LID, f"{BOB}@g.us", None):
        assert await on_whatsapp(other) is None
    await later(service, "7 days 1 second")
    assert await on_whatsapp(f"{NOBODY}@s.whatsapp.net") is None


async def test_two_who_ask_about_the_same_numbers_wait_and_do_not_deadlock(
    database: Database, leased: Session
) -> None:
    numbers = [str(number) for number in range(5511900000000, 5511900000300)]

    async def asks(in_order: list[str]) -> int:
        async with database.as_member(leased.owner) as member:
            return len(await ask(member, leased, *in_order))

    lists = (numbers, numbers[::-1], numbers[100:], numbers[:7:-1], numbers[:40:-2])
    counts = await asyncio.gather(*(asks(order) for order in lists * 3))

    assert counts == [len(order) for order in lists * 3]


async def test_members_write_no_answers(database: Database, leased: Session) -> None:
    async with database.as_member(leased.owner) as member:
        await ask(member, leased, BOB)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await member.execute("update wa_number_checks set on_whatsapp = true")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await member.execute("delete from wa_number_checks")
