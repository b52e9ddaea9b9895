"""What Postgres refuses is set aside, holds nothing else up, and can be had back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.acceptance.world import Linked

# As if a project had added a rule of its own to our table.
A_RULE = """
alter table public.wa_messages
add constraint no_poison check (body is distinct from 'veneno') not valid
"""
NO_RULE = "alter table public.wa_messages drop constraint if exists no_poison"


@pytest_asyncio.fixture(loop_scope="session")
async def ruled(linked: Linked) -> AsyncIterator[Linked]:
    async with linked.world.database() as connection:
        await connection.execute(A_RULE)
        yield linked
        await connection.execute(NO_RULE)


async def test_one_refused_message_is_listed_and_replayed(ruled: Linked) -> None:
    bob, connector = ruled.world.somebody("Bob"), ruled.world.connector

    await bob.says(ruled.owner, "antes")
    sent = await bob.says(ruled.owner, "veneno")
    await bob.says(ruled.owner, "depois")
    await ruled.message("depois")

    assert [row["body"] for row in await ruled.messages()] == ["antes", "depois"]
    event = await ruled.shown("wa_events", level="error")
    assert event["code"] == "event_refused"
    code, listed = await connector.command("spool", "list", "--json")
    assert code == 0
    [session] = [
        one
        for one in json.loads(listed)["sessions"]
        if one["session_id"] == ruled.session_id
    ]
    [letter] = session["dead_letters"]
    assert letter["event"] == "message"
    assert "veneno" not in listed

    async with ruled.world.database() as connection:
        await connection.execute(NO_RULE)
    code, _ = await connector.command("spool", "replay", "--session", ruled.session_id)
    assert code == 0
    row = await ruled.said(sent)
    assert row["body"] == "veneno"
    code, listed = await connector.command("spool", "list", "--json")
    [session] = [
        one
        for one in json.loads(listed)["sessions"]
        if one["session_id"] == ruled.session_id
    ]
    assert session["dead_letters"] == []
