"""Codes nobody scanned, numbers nobody uses, events of long ago: said or cleared, never more."""

from __future__ import annotations

import uuid

import pytest

from tests.database.housekeeping import as_operator, count, rule, tidy_up
from tests.database.scene import Connection, Database, Row, Session

SHOWN = (
    "update wa_sessions set state = 'pairing', qr_code = 'q', qr_image = 'i',"
    " pairing_code = 'p', qr_expires_at = now() - make_interval(hours => $1),"
    " updated_at = now() - make_interval(hours => $1)"
)
UNUSED = (
    "update wa_sessions set state = $1, last_seen_at = now() - interval '1 year',"
    " disconnected_at = now() - make_interval(days => $2)"
)


async def row_of(connection: Connection, session: Session) -> Row:
    row = await connection.fetchrow(
        "select * from wa_sessions where id = $1", session.id
    )
    assert row is not None
    return dict(row)


async def test_a_code_that_nobody_took_back_is_cleared_after_a_day(
    database: Database, session: Session, service: Connection
) -> None:
    await as_operator(database, SHOWN, 23)
    assert await tidy_up(service) == {}

    await as_operator(database, SHOWN, 25)
    assert await tidy_up(service) == {"forget_codes": 1}

    row = await row_of(service, session)
    assert (row["qr_code"], row["qr_image"], row["pairing_code"]) == (None, None, None)
    assert row["qr_expires_at"] is None
    assert await tidy_up(service) == {}


@pytest.mark.usefixtures("session")
async def test_a_pairing_code_without_an_end_is_as_old_as_its_row(
    database: Database, service: Connection
) -> None:
    await as_operator(database, SHOWN, 25)
    await as_operator(
        database, "update wa_sessions set qr_expires_at = null, qr_code = null"
    )

    assert await tidy_up(service) == {"forget_codes": 1}


@pytest.mark.parametrize(
    "state",
    ["disconnected", "logged_out", "banned", "outdated", "replaced", "failed"],
)
async def test_a_number_unused_for_a_week_is_said_to_be_idle_once(
    database: Database, session: Session, service: Connection, state: str
) -> None:
    await as_operator(database, UNUSED, state, 6)
    assert await tidy_up(service) == {}

    await as_operator(database, UNUSED, state, 8)
    assert await tidy_up(service) == {"flag_idle_sessions": 1}
    assert await tidy_up(service) == {}

    row = await row_of(service, session)
    assert row["idle_since"] == row["disconnected_at"]
    event = await service.fetchrow("select * from wa_events")
    assert event is not None
    assert (event["level"], event["code"]) == ("info", "session_idle")
    assert event["details"]["state"] == state


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    "state", ["pairing", "connecting", "syncing", "connected", "reconnecting"]
)
async def test_a_number_that_is_to_be_connected_is_not_idle(
    database: Database, service: Connection, state: str
) -> None:
    await as_operator(database, UNUSED, state, 8)

    assert await tidy_up(service) == {}


@pytest.mark.usefixtures("session")
async def test_a_number_that_was_never_connected_is_not_idle(
    database: Database, service: Connection
) -> None:
    await as_operator(
        database, "update wa_sessions set created_at = now() - interval '1 year'"
    )

    assert await tidy_up(service) == {}


async def test_who_connects_again_is_idle_no_more_and_may_become_so_again(
    database: Database, session: Session, service: Connection
) -> None:
    await as_operator(database, UNUSED, "disconnected", 8)
    await tidy_up(service)

    await service.execute("update wa_sessions set state_message = 'still here'")
    assert (await row_of(service, session))["idle_since"] is not None
    await service.execute("update wa_sessions set state = 'connecting'")
    assert (await row_of(service, session))["idle_since"] is None

    await as_operator(database, UNUSED, "disconnected", 9)
    assert await tidy_up(service) == {"flag_idle_sessions": 1}
    assert await count(service, "wa_events") == 2


async def test_events_go_after_a_month_or_as_the_operator_says(
    session: Session, database: Database, service: Connection
) -> None:
    await service.execute(
        "insert into wa_events"
        " (workspace_id, session_id, level, code, message, created_at)"
        " select $1, $2, 'info', 'x', 'X.', now() - make_interval(days => age)"
        " from unnest('{29,31,200}'::int[]) as age",
        session.workspace_id,
        session.id,
    )

    await rule(database, "events", "100 days")
    assert await tidy_up(service) == {"forget_events": 1}
    await rule(database, "events", "30 days")
    assert await tidy_up(service) == {"forget_events": 1}
    assert await count(service, "wa_events") == 1


async def test_which_sessions_are_there_is_said_together_with_where(
    session: Session, service: Connection
) -> None:
    gone = str(uuid.uuid4())

    answer = await service.fetchval(
        "select wa_known_sessions($1::uuid[])", [session.id, gone]
    )
    again = await service.fetchval("select wa_known_sessions('{}')")

    assert answer["known"] == [session.id]
    assert again == {"project": answer["project"], "known": []}
    assert str(uuid.UUID(answer["project"])) == answer["project"]
