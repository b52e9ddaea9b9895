"""postgres_changes as the unmodified realtime-py receives them."""

from __future__ import annotations

from typing import Any

import pytest
from realtime import RealtimeSubscribeStates
from supabase import AsyncClient

from tests.contract.ear import Ear
from tests.contract.project import Person
from tests.contract.writing import (
    NOTES,
    NOTICES,
    hears_nothing_before,
    unique,
    write_note,
)

CHANNEL_ERROR = RealtimeSubscribeStates.CHANNEL_ERROR
SUBSCRIBED = RealtimeSubscribeStates.SUBSCRIBED


async def test_an_insert_reaches_its_owner_whole_and_exact(
    ana: Person, database: Any
) -> None:
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

    note = await write_note(database, ana.id, "olá ☀")

    event = await ear.next_change()
    assert (event["schema"], event["table"]) == ("public", "contract_notes")
    assert (event["type"], event["errors"]) == ("INSERT", None)
    assert event["record"]["id"] == note
    assert event["record"]["title"] == "olá ☀"
    assert event["record"]["views"] == 9007199254740993
    assert event["record"]["tags"] == []
    assert event["record"]["folder_id"] is None
    assert event["record"]["written_at"][10] == "T"
    assert {"name": "views", "type": "int8"} in event["columns"]


async def test_a_row_is_shown_to_its_owner_and_the_service_only(
    ana: Person,
    bob: Person,
    service: AsyncClient,
    anonymous: AsyncClient,
    database: Any,
) -> None:
    owner = await Ear(ana.client, "notes", changes=[NOTES]).open()
    stranger = await Ear(bob.client, "notes", changes=[NOTES]).open()
    backend = await Ear(service, "notes", changes=[NOTES]).open()
    nobody = await Ear(
        anonymous, "notices", changes=[{**NOTICES, "event": "INSERT"}, NOTES]
    ).open()

    await write_note(database, ana.id, "for ana")
    await write_note(database, bob.id, "for bob")
    await database.execute("insert into contract_notices values ($1)", unique())

    assert (await owner.next_change())["record"]["title"] == "for ana"
    assert (await stranger.next_change())["record"]["title"] == "for bob"
    titles = [(await backend.next_change())["record"]["title"] for _ in range(2)]
    assert titles == ["for ana", "for bob"]
    assert (await nobody.next_change())["table"] == "contract_notices"
    assert nobody.changes.empty()


async def test_an_update_shows_the_new_row_and_the_old_key(
    ana: Person, database: Any
) -> None:
    note = await write_note(database, ana.id, "before")
    ear = await Ear(ana.client, "notes", changes=[{**NOTES, "event": "UPDATE"}]).open()

    await database.execute(
        "update contract_notes set title = 'after' where id = $1", note
    )

    event = await ear.next_change()
    assert (event["type"], event["record"]["title"]) == ("UPDATE", "after")
    assert event["old_record"] == {"id": note}


async def test_a_delete_shows_everyone_the_key_and_nothing_else(
    ana: Person, bob: Person, database: Any
) -> None:
    note = await write_note(database, ana.id, "secret")
    stranger = await Ear(
        bob.client, "notes", changes=[{**NOTES, "event": "DELETE"}]
    ).open()

    await database.execute("delete from contract_notes where id = $1", note)

    event = await stranger.next_change()
    assert (event["type"], event["old_record"]) == ("DELETE", {"id": note})
    assert "record" not in event


async def test_events_keep_the_order_of_commits(ana: Person, database: Any) -> None:
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

    await database.execute(
        "insert into contract_notes (owner_id, title) "
        "select $1, n::text from generate_series(1, 500) as n",
        ana.id,
    )

    titles = [(await ear.next_change())["record"]["title"] for _ in range(500)]
    assert titles == [str(n) for n in range(1, 501)]


async def test_a_rolled_back_insert_is_never_heard(ana: Person, database: Any) -> None:
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()
    transaction = database.transaction()
    await transaction.start()
    await write_note(database, ana.id, "never")
    await transaction.rollback()

    await hears_nothing_before(ear, database, ana.id)


@pytest.mark.parametrize(
    ("filter_", "passing"),
    [
        ("views=eq.2", ["b"]),
        ("views=neq.2", ["a", "c"]),
        ("views=gt.1", ["b", "c"]),
        ("views=gte.2", ["b", "c"]),
        ("views=lt.2", ["a"]),
        ("views=lte.2", ["a", "b"]),
        ("title=in.(a,c)", ["a", "c"]),
        ("title=not.in.(a,c)", ["b"]),
        ("title=like.%b%", ["b"]),
        ("folder_id=is.null", ["a", "b", "c"]),
        ("views=gt.1,title=neq.c", ["b"]),
    ],
)
async def test_a_filter_lets_its_rows_pass(
    ana: Person, database: Any, filter_: str, passing: list[str]
) -> None:
    ear = await Ear(ana.client, "notes", changes=[{**NOTES, "filter": filter_}]).open()
    everything = await Ear(ana.client, "all", changes=[NOTES]).open()

    for views, title in enumerate("abc", start=1):
        await database.execute(
            "insert into contract_notes (owner_id, title, views) values ($1, $2, $3)",
            ana.id,
            title,
            views,
        )

    for _ in "abc":
        await everything.next_change()
    heard = [(await ear.next_change())["record"]["title"] for _ in passing]
    assert heard == passing
    assert ear.changes.empty()


async def test_only_the_event_asked_for_is_heard(ana: Person, database: Any) -> None:
    ear = await Ear(ana.client, "notes", changes=[{**NOTES, "event": "DELETE"}]).open()

    note = await write_note(database, ana.id, "short-lived")
    await database.execute("delete from contract_notes where id = $1", note)

    assert (await ear.next_change())["type"] == "DELETE"


async def test_a_column_a_role_may_not_select_is_left_out(
    anonymous: AsyncClient, database: Any
) -> None:
    ear = await Ear(anonymous, "notices", changes=[NOTICES]).open()

    await database.execute(
        "insert into contract_notices values ($1, 'x', 12345678901234567890.5, 'me')",
        notice := unique(),
    )

    event = await ear.next_change()
    assert set(event["record"]) == {"id", "body", "price"}
    assert event["record"]["id"] == notice
    assert [column["name"] for column in event["columns"]] == ["id", "body", "price"]


async def test_a_table_with_full_identity_shows_the_whole_old_row(
    anonymous: AsyncClient, database: Any
) -> None:
    notice, long = unique(), "x" * 10_000
    await database.execute(
        # Stored out of line, so that an update of another column does not log it.
        "alter table contract_notices alter column body set storage external"
    )
    await database.execute(
        "insert into contract_notices values ($1, $2, 1, 'me')", notice, long
    )
    later = [{**NOTICES, "event": event} for event in ("UPDATE", "DELETE")]
    ear = await Ear(anonymous, "notices", changes=later).open()

    await database.execute(
        "update contract_notices set price = 2 where id = $1", notice
    )
    await database.execute("delete from contract_notices where id = $1", notice)

    updated = await ear.next_change()
    assert updated["record"] == {"id": notice, "body": long, "price": 2}
    assert updated["old_record"] == {"id": notice, "body": long, "price": 1}
    deleted = await ear.next_change()
    assert deleted["old_record"] == {"id": notice, "body": long, "price": 2}


async def test_a_record_over_a_megabyte_comes_without_its_long_values(
    anonymous: AsyncClient, database: Any
) -> None:
    ear = await Ear(anonymous, "notices", changes=[NOTICES]).open()

    await database.execute(
        "insert into contract_notices values ($1, repeat('x', 1100000))",
        notice := unique(),
    )

    event = await ear.next_change()
    assert event["errors"] == ["Error 413: Payload Too Large"]
    assert event["record"] == {"id": notice, "price": None}


async def test_a_table_that_is_not_published_cannot_be_followed(
    ana: Person,
) -> None:
    ear = Ear(ana.client, "folders", changes=[{"table": "contract_folders"}])
    await ear.channel.subscribe(ear._on_state)

    assert (await ear.next_state())[0] == SUBSCRIBED
    state, error = await ear.next_state()
    assert state == CHANNEL_ERROR
    assert "Please check Realtime is enabled" in str(error)


async def test_a_filter_on_an_unknown_column_is_refused(ana: Person) -> None:
    ear = Ear(ana.client, "notes", changes=[{**NOTES, "filter": "nothing=eq.1"}])
    await ear.channel.subscribe(ear._on_state)

    assert (await ear.next_state())[0] == SUBSCRIBED
    _, error = await ear.next_state()
    assert "invalid column for filter nothing" in str(error)
