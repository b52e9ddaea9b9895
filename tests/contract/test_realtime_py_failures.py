"""What realtime-py goes through when tokens end and servers restart."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest
from realtime import RealtimeSubscribeStates

from tests.contract.ear import Ear
from tests.contract.project import Person, Supabase, connected
from tests.contract.writing import (
    NOTES,
    hears_nothing_before,
    local_or_skip,
    write_note,
)

CLOSED = RealtimeSubscribeStates.CLOSED
CHANNEL_ERROR = RealtimeSubscribeStates.CHANNEL_ERROR
SUBSCRIBED = RealtimeSubscribeStates.SUBSCRIBED


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
        client.realtime.max_retries = 1  # it would go on for a quarter of a minute
        with pytest.raises(Exception, match="401"):
            await client.realtime.connect()


# realtime-py reads attributes that websockets has deprecated.
@pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")
async def test_a_client_comes_back_after_a_restart_of_the_gateway(
    supabase: Supabase, ana: Person, database: Any
) -> None:
    local = local_or_skip(supabase)
    ear = await Ear(ana.client, "notes", changes=[NOTES]).open()

    await local.gateway.stop()
    await local.gateway.start()

    assert (await ear.next_state())[0] == CHANNEL_ERROR
    assert (await ear.next_state())[0] == SUBSCRIBED
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
