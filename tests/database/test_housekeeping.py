"""What is past its time goes, what is young or needed stays; a little at each call."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.database.conversation import BOB, message, ours
from tests.database.housekeeping import (
    as_operator,
    count,
    offline,
    rule,
    tidy,
    tidy_up,
)
from tests.database.outbox import message_statuses, queue, sent, states
from tests.database.scene import Connection, Database, Session, exchange, store

AGE_OF_OUTBOX = (
    "update wa_outbox set created_at = now() - $1::text::interval,"
    " updated_at = now() - $1::text::interval"
)


# --- The outbox of a number that nobody runs -------------------------------------------


async def test_what_was_to_be_sent_by_now_expires_though_nobody_runs_the_number(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "late", "later")
    await as_operator(database, "update wa_outbox set expires_at = now() where seq = 1")

    assert await tidy_up(service) == {"end_overdue_outbox": 1}

    assert await states(service) == ["expired", "queued"]
    assert await message_statuses(service) == ["failed", "pending"]


async def test_what_was_begun_and_never_confirmed_becomes_uncertain(
    database: Database, leased: Session, service: Connection
) -> None:
    await queue(service, leased, "hello")
    ((row_id, *_),) = [(row["id"],) for row in await exchange(service, leased)]
    waiting = {"id": row_id, "outcome": "awaiting_receipt", "whatsapp_id": "3EB01"}
    await exchange(service, leased, waiting, limit=0)
    await as_operator(database, "update wa_outbox set settle_by = now()")
    await offline(database, leased)

    assert await tidy_up(service) == {"end_overdue_outbox": 1}

    assert await states(service) == ["uncertain"]


async def test_whoever_runs_a_number_ends_its_rows_themselves(
    database: Database, leased: Session, service: Connection
) -> None:
    await queue(service, leased, "late")
    await as_operator(database, "update wa_outbox set expires_at = now()")

    assert await tidy_up(service) == {}

    assert await states(service) == ["queued"]


async def test_a_number_that_somebody_writes_for_is_left_for_the_next_time(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "late")
    await as_operator(database, "update wa_outbox set expires_at = now()")

    async with database.as_service() as writer, writer.transaction():
        await writer.execute("select wa_private.take_turns($1)", session.id)
        assert await tidy_up(service) == {}

    assert await tidy_up(service) == {"end_overdue_outbox": 1}


# --- Rows that were settled long ago ---------------------------------------------------


async def test_settled_rows_go_after_90_days_and_their_messages_stay(
    database: Database, leased: Session, service: Connection
) -> None:
    (row_id,) = await queue(service, leased, "hello")
    await exchange(service, leased)
    await exchange(service, leased, sent(row_id), limit=0)
    await queue(service, leased, "unsent")
    await as_operator(database, AGE_OF_OUTBOX, "91 days")

    assert await tidy_up(service) == {"forget_outbox": 1}

    assert await states(service) == ["queued"]
    assert await message_statuses(service) == ["sent", "pending"]


@pytest.mark.parametrize(
    "state", ["sent", "delivered", "read", "failed", "cancelled", "expired"]
)
async def test_any_settled_state_is_past(
    database: Database, session: Session, service: Connection, state: str
) -> None:
    await queue(service, session, "hello")
    await as_operator(database, "update wa_outbox set state = $1", state)
    await as_operator(database, AGE_OF_OUTBOX, "89 days")
    assert await tidy_up(service) == {}

    await as_operator(database, AGE_OF_OUTBOX, "91 days")
    assert await tidy_up(service) == {"forget_outbox": 1}


@pytest.mark.parametrize("state", ["queued", "claimed", "sending", "uncertain"])
async def test_what_somebody_or_something_waits_for_never_goes(
    database: Database, session: Session, service: Connection, state: str
) -> None:
    await queue(service, session, "hello")
    await as_operator(database, "update wa_outbox set state = $1", state)
    await as_operator(database, AGE_OF_OUTBOX, "10 years")

    assert await tidy_up(service) == {}


async def test_a_row_that_was_settled_lately_stays_however_long_it_waited(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "hello")
    await as_operator(
        database,
        "update wa_outbox set state = 'sent', created_at = now() - interval '1 year'",
    )

    assert await tidy_up(service) == {}


# --- Rules and limits ------------------------------------------------------------------


async def test_an_operator_says_how_long(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "hello")
    await as_operator(database, "update wa_outbox set state = 'failed'")
    await as_operator(database, AGE_OF_OUTBOX, "10 years")

    await rule(database, "outbox", None)
    assert await tidy_up(service) == {}

    await rule(database, "outbox", "11 years")
    assert await tidy_up(service) == {}

    await rule(database, "outbox", "9 years")
    assert await tidy_up(service) == {"forget_outbox": 1}


async def test_the_page_says_what_the_rules_are(service: Connection) -> None:
    page = (Path(__file__).parents[2] / "docs" / "housekeeping.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \|.*\| (\d+) (days|hours) \|", page, re.MULTILINE)
    rules = await service.fetch("select name, after from wa_private.housekeeping_rules")

    assert {name: timedelta(**{unit: int(n)}) for name, n, unit in told} == {
        row["name"]: row["after"] for row in rules
    }


async def test_nothing_may_go_within_a_day(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await rule(database, "outbox", "1 hour")


async def test_a_call_does_little_and_says_that_there_is_more(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, *(f"text {n}" for n in range(7)))
    await as_operator(database, "update wa_outbox set state = 'failed'")
    await as_operator(database, AGE_OF_OUTBOX, "91 days")

    answers = [await tidy(service, limit=3) for _ in range(3)]

    assert [answer["done"]["forget_outbox"] for answer in answers] == [3, 3, 1]
    assert [answer["more"] for answer in answers] == [True, True, False]


async def test_a_limit_holds_for_all_that_is_done_together(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, *(f"text {n}" for n in range(4)))
    await as_operator(
        database, "update wa_outbox set expires_at = now() where seq <= 2"
    )
    await as_operator(
        database,
        "update wa_outbox set state = 'failed', created_at = now() - interval '1 year',"
        " updated_at = now() - interval '1 year' where seq > 2",
    )

    first = await tidy(service, limit=3)
    assert first["done"] == {"end_overdue_outbox": 2, "forget_outbox": 1}
    assert first["more"]
    assert (await tidy(service, limit=3))["done"] == {"forget_outbox": 1}


async def test_of_two_at_once_one_returns_at_once_and_does_nothing(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "hello")
    await as_operator(database, "update wa_outbox set state = 'failed'")
    await as_operator(database, AGE_OF_OUTBOX, "91 days")

    async with database.as_service() as other, other.transaction():
        assert (await tidy(other))["done"] == {"forget_outbox": 1}

        answer = await service.fetchval("select wa_housekeeping()")

        assert answer == {"done": {}, "busy": True, "more": False}
    assert await count(service, "wa_outbox") == 0


async def test_what_somebody_has_locked_is_not_waited_for(
    database: Database, session: Session, service: Connection
) -> None:
    await queue(service, session, "held", "free")
    await as_operator(database, "update wa_outbox set state = 'failed'")
    await as_operator(database, AGE_OF_OUTBOX, "91 days")

    async with database.as_service() as other, other.transaction():
        await other.execute("select from wa_outbox where seq = 1 for update")
        assert await tidy_up(service) == {"forget_outbox": 1}

    assert await tidy_up(service) == {"forget_outbox": 1}


# --- What a number leaves behind when it is not used any more -------------------------


async def test_uploads_and_sends_of_yesterday_go_though_nothing_is_sent(
    database: Database, session: Session, service: Connection
) -> None:
    past, waiting = await queue(service, session, "a", "b")
    await as_operator(
        database, "update wa_outbox set state = 'failed' where id = $1", past
    )
    for row_id, hours in ((past, 25), (waiting, 23)):
        await service.execute(
            "insert into wa_private.uploads (session_id, version, upload, uploaded_at)"
            " values ($1, $2, '{}', now() - make_interval(hours => $3))",
            session.id,
            row_id,
            hours,
        )
        await service.execute(
            "insert into wa_private.sends"
            " (outbox_id, claim, session_id, first_contact, at)"
            " values ($1, 1, $2, false, now() - make_interval(hours => $3))",
            row_id,
            session.id,
            hours,
        )
        # What is still to be sent keeps its upload: only its end tells if it was used.
        await service.execute(
            "insert into wa_private.row_uploads"
            " (outbox_id, session_id, upload, uploaded_at)"
            " values ($1, $2, '{}', now() - interval '25 hours')",
            row_id,
            session.id,
        )

    assert await tidy_up(service) == {"forget_uploads_everywhere": 2, "forget_sends": 1}

    for table in ("uploads", "sends", "row_uploads"):
        assert await count(service, f"wa_private.{table}") == 1


async def test_which_numbers_were_asked_about_is_forgotten_when_no_limit_counts_it(
    session: Session, service: Connection
) -> None:
    numbers = {
        "5511911111111": (25, 0, None),  # answered
        "5511922222222": (23, 0, None),  # counts against today's
        "5511933333333": (25, 3, "queued"),  # somebody waits, and it goes on later
        "5511944444444": (25, 3, "failed"),  # nobody waits any more
    }
    for number, (hours, tries, state) in numbers.items():
        await service.execute(
            "insert into wa_private.number_questions (session_id, number, asked_at, tries)"
            " values ($1, $2, now() - make_interval(hours => $3), $4)",
            *(session.id, number, hours, tries),
        )
        if state is not None:
            await service.execute(
                "insert into wa_number_checks (workspace_id, session_id, number, state)"
                " values ($1, $2, $3, $4)",
                *(session.workspace_id, session.id, number, state),
            )

    assert await tidy_up(service) == {"forget_number_questions": 2}

    left = await service.fetch("select number from wa_private.number_questions")
    assert {row["number"] for row in left} == {"5511922222222", "5511933333333"}


async def test_what_is_known_of_numbers_goes_after_a_month_unless_somebody_waits(
    session: Session, service: Connection
) -> None:
    for number, state, days in (
        ("5511911111111", "done", 31),
        ("5511922222222", "done", 29),
        ("5511933333333", "failed", 31),
        ("5511944444444", "queued", 31),
    ):
        await service.execute(
            "insert into wa_number_checks"
            " (workspace_id, session_id, number, state, asked_at, checked_at)"
            " select $1, $2, $3, $4::text, past, case when $4 = 'done' then past end"
            " from (select now() - make_interval(days => $5) as past) as times",
            *(session.workspace_id, session.id, number, state, days),
        )

    assert await tidy_up(service, limit=1) == {"walk_number_checks": 2}

    left = await service.fetch("select number from wa_number_checks")
    assert {row["number"] for row in left} == {"5511922222222", "5511944444444"}


async def test_messages_are_never_thrown_away(
    leased: Session, service: Connection
) -> None:
    old = "2001-01-02T12:00:00Z"
    given = [message("A", sent_at=old), ours("B", sent_at=old, chat_jid=BOB)]
    await store(service, leased, {"messages": given})

    assert await tidy_up(service) == {}

    assert await count(service, "wa_messages") == 2
