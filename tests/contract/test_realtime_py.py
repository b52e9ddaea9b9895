"""Realtime as the unmodified realtime-py uses it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from realtime import RealtimeSubscribeStates
from supabase import AsyncClient

from tests.contract.ear import Ear
from tests.contract.project import Person, Supabase, connected

NOTES = {"table": "contract_notes"}
NOTICES = {"table": "contract_notices"}
CLOSED = RealtimeSubscribeStates.CLOSED
CHANNEL_ERROR = RealtimeSubscribeStates.CHANNEL_ERROR


@pytest.fixture
async def database(supabase: Supabase) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(supabase.database_url)
    yield connection
    await connection.close()


async def write_note(database: Any, owner: str, title: str) -> str:
    return str(
        await database.fetchval(
            "insert into contract_notes (owner_id, title, views) "
            "values ($1, $2, 9007199254740993) returning id",
            owner,
            title,
        )
    )


async def hears_nothing_before(ear: Ear, database: Any, owner: str) -> None:
    """What the ear hears next is a note written now, so it heard nothing so far."""
    mark = uuid.uuid4().hex
    await write_note(database, owner, mark)
    assert (await ear.next_change())["record"]["title"] == mark


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
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

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
    stranger = await Ear(bob.client, "notes", changes=[NOTES]).open()

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

    assert (await ear.next_state())[0] == RealtimeSubscribeStates.SUBSCRIBED
    state, error = await ear.next_state()
    assert state == CHANNEL_ERROR
    assert "Please check Realtime is enabled" in str(error)


async def test_a_filter_on_an_unknown_column_is_refused(ana: Person) -> None:
    ear = Ear(ana.client, "notes", changes=[{**NOTES, "filter": "nothing=eq.1"}])
    await ear.channel.subscribe(ear._on_state)

    assert (await ear.next_state())[0] == RealtimeSubscribeStates.SUBSCRIBED
    _, error = await ear.next_state()
    assert "invalid column for filter nothing" in str(error)


async def test_a_broadcast_reaches_the_others_and_oneself_if_asked(
    ana: Person, bob: Person
) -> None:
    topic = f"talk:{unique()}"
    quiet = await Ear(ana.client, topic).open()
    echoing = await Ear(bob.client, topic, own=True).open()

    await quiet.channel.send_broadcast("said", {"n": 1})
    assert (await echoing.next_broadcast())["payload"] == {"n": 1}
    await echoing.channel.send_broadcast("said", {"n": 2})

    assert (await echoing.next_broadcast())["payload"] == {"n": 2}
    assert (await quiet.next_broadcast())["payload"] == {"n": 2}


async def test_a_broadcast_by_http_reaches_its_topic(
    supabase: Supabase, ana: Person
) -> None:
    topic = f"talk:{unique()}"
    ear = await Ear(ana.client, topic).open()

    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{supabase.url}/realtime/v1/api/broadcast",
            headers={"apikey": supabase.publishable_key},
            json={"messages": [{"topic": topic, "event": "said", "payload": {"n": 1}}]},
        )

    assert answer.status_code == 202
    heard = await ear.next_broadcast()
    assert (heard["event"], heard["payload"]) == ("said", {"n": 1})


async def test_the_database_broadcasts_by_send(ana: Person, database: Any) -> None:
    topic = f"talk:{unique()}"
    ear = await Ear(ana.client, topic).open()

    await send(database, topic, private=False)

    heard = await ear.next_broadcast()
    assert (heard["event"], heard["payload"]["n"]) == ("rung", 1)
    assert heard["payload"]["id"] == heard["meta"]["id"]


async def test_the_database_broadcasts_changed_rows(
    service: AsyncClient, database: Any
) -> None:
    ear = await Ear(service, "notices", private=True).open()

    await database.execute(
        "insert into contract_notices values ($1, 'x')", notice := unique()
    )

    heard = await ear.next_broadcast()
    assert heard["event"] == "INSERT"
    assert heard["payload"]["operation"] == "INSERT"
    assert heard["payload"]["record"]["id"] == notice
    assert heard["payload"]["old_record"] is None


async def test_a_private_channel_admits_whom_a_policy_admits(
    ana: Person, bob: Person, service: AsyncClient, anonymous: AsyncClient
) -> None:
    topic = f"room:{ana.id}"

    await Ear(ana.client, topic, private=True).open()
    await Ear(service, topic, private=True).open()
    for refused in (bob.client, anonymous):
        state, error = await Ear(refused, topic, private=True).try_to_open()
        assert state == CHANNEL_ERROR
        assert (
            "Unauthorized: You do not have permissions to read from this Channel "
            f"topic: {topic}" in str(error)
        )


async def test_who_may_only_listen_is_not_heard(
    ana: Person, service: AsyncClient
) -> None:
    hall, room = f"hall:{ana.id}", f"room:{ana.id}"
    in_hall = await Ear(ana.client, hall, private=True).open()
    in_room = await Ear(ana.client, room, private=True).open()
    hall_backend = await Ear(service, hall, private=True).open()
    room_backend = await Ear(service, room, private=True).open()

    await in_hall.channel.send_broadcast("said", {"n": 1})
    await in_room.channel.send_broadcast("said", {"n": 2})
    assert (await room_backend.next_broadcast())["payload"] == {"n": 2}
    await hall_backend.channel.send_broadcast("said", {"n": 3})

    assert (await in_hall.next_broadcast())["payload"] == {"n": 3}
    assert hall_backend.broadcasts.empty()


async def test_public_and_private_topics_of_one_name_are_two(
    ana: Person, service: AsyncClient, database: Any
) -> None:
    topic = f"room:{ana.id}"
    inside = await Ear(ana.client, topic, private=True).open()
    outside = await Ear(service, topic).open()

    await send(database, topic, private=True, n=1)
    await send(database, topic, private=False, n=2)

    assert (await inside.next_broadcast())["payload"]["n"] == 1
    assert (await outside.next_broadcast())["payload"]["n"] == 2
    assert inside.broadcasts.empty()


async def test_a_new_token_without_the_right_to_read_ends_the_channel(
    ana: Person, bob: Person
) -> None:
    ear = await Ear(ana.client, topic := f"room:{ana.id}", private=True).open()
    session = await bob.client.auth.get_session()
    assert session is not None

    await ana.client.realtime.set_auth(session.access_token)

    state, error = await ear.next_state()
    assert state == CHANNEL_ERROR
    assert f"permissions to read from this Channel topic: {topic}" in str(error)
    assert (await ear.next_state())[0] == CLOSED


async def test_a_new_token_decides_which_rows_are_shown(
    ana: Person, bob: Person, database: Any
) -> None:
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()
    session = await bob.client.auth.get_session()
    assert session is not None

    await ana.client.realtime.set_auth(session.access_token)
    assert await ear.next_system() == "Subscribed to PostgreSQL"
    await write_note(database, ana.id, "for ana")
    await write_note(database, bob.id, "for bob")

    assert (await ear.next_change())["record"]["title"] == "for bob"


async def test_an_expired_token_ends_the_channel(supabase: Supabase) -> None:
    local = local_or_skip(supabase)
    async with connected(supabase.url, supabase.publishable_key) as client:
        token = local.mint(role="authenticated", sub=str(uuid.uuid4()), expires_in=2)
        client.realtime.access_token = token
        ear = await Ear(client, "short").open()

        state, error = await ear.next_state()

        assert state == CHANNEL_ERROR
        assert "Token has expired" in str(error)
        assert (await ear.next_state())[0] == CLOSED


async def test_a_token_already_expired_does_not_join(supabase: Supabase) -> None:
    local = local_or_skip(supabase)
    async with connected(supabase.url, supabase.publishable_key) as client:
        token = local.mint(role="authenticated", sub=str(uuid.uuid4()), expires_in=-5)
        client.realtime.access_token = token

        state, error = await Ear(client, "late").try_to_open()

        assert state == CHANNEL_ERROR
        assert "InvalidJWTToken: Token has expired" in str(error)


async def test_an_unknown_key_cannot_connect(supabase: Supabase) -> None:
    async with connected(supabase.url, "sb_publishable_invented") as client:
        with pytest.raises(Exception, match="401"):
            await client.realtime.connect()


# realtime-py reads attributes that websockets has deprecated.
@pytest.mark.filterwarnings("default:ConnectionClosed:DeprecationWarning")
async def test_a_client_comes_back_after_a_restart_of_the_gateway(
    supabase: Supabase, ana: Person, database: Any
) -> None:
    local = local_or_skip(supabase)
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

    await local.gateway.stop()
    await local.gateway.start()

    assert (await ear.next_state())[0] == CHANNEL_ERROR
    assert (await ear.next_state())[0] == RealtimeSubscribeStates.SUBSCRIBED
    assert await ear.next_system() == "Subscribed to PostgreSQL"
    await hears_nothing_before(ear, database, ana.id)


async def test_subscribers_learn_that_postgres_was_away_and_hear_again(
    supabase: Supabase, ana: Person
) -> None:
    local = local_or_skip(supabase)
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

    await local.postgres.stop()
    await local.postgres.start()

    state, error = await ear.next_state()
    assert state == CHANNEL_ERROR
    assert "unable to connect to the project database" in str(error)
    assert await ear.next_system() == "Subscribed to PostgreSQL"
    database = await asyncpg.connect(supabase.database_url)
    await write_note(database, ana.id, "after")
    await database.close()
    assert (await ear.next_change())["record"]["title"] == "after"


async def send(database: Any, topic: str, *, private: bool, n: int = 1) -> None:
    await database.execute(
        "select realtime.send(jsonb_build_object('n', $1::int), 'rung', $2, $3)",
        n,
        topic,
        private,
    )


def unique() -> int:
    return time.time_ns()


def local_or_skip(supabase: Supabase) -> Any:
    if supabase.local is None:
        pytest.skip("only our own Supabase can be treated like this")
    return supabase.local
