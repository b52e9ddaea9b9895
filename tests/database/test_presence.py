"""Typing and online are told to the workspace's topic, and kept in no row of ours."""

from __future__ import annotations

import json
from typing import Any

from tests.database.conversation import ALIAS, BOB, BOBS_PHONE, message
from tests.database.scene import Connection, Database, Session, store


async def show(connection: Connection, session: Session, *shown: dict[str, Any]) -> Any:
    return await connection.fetchval(
        "select wa_show_presence($1, 1, $2)", session.id, list(shown)
    )


async def heard(database: Database, session: Session) -> list[dict[str, Any]]:
    async with database.as_postgres() as connection:
        rows = await connection.fetch(
            "select payload from realtime.messages where topic = $1"
            " and event = 'chat_presence' and private order by inserted_at",
            f"wa:workspace:{session.workspace_id}",
        )
    return [
        payload if isinstance(payload, dict) else json.loads(payload)
        for (payload,) in rows
    ]


async def test_presence_is_told_with_our_ids(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, {"messages": [message("A")]} | ALIAS)
    seen = "2026-01-02T12:00:00+00:00"

    typing = {"chat_jid": BOBS_PHONE, "jid": BOBS_PHONE, "state": "composing"}
    assert await show(service, leased, typing | {"last_seen": None}) == 1
    offline = {"chat_jid": BOB, "jid": BOB, "state": "offline", "last_seen": seen}
    assert await show(service, leased, offline) == 1

    chat = await service.fetchrow("select id, contact_id from wa_chats")
    assert chat is not None
    told = [
        {key: value for key, value in payload.items() if key != "id"}
        for payload in await heard(database, leased)
    ]
    whom = {
        "session_id": leased.id,
        "chat_id": str(chat["id"]),
        "contact_id": str(chat["contact_id"]),
    }
    assert told == [
        whom | {"state": "composing", "last_seen": None},
        whom | {"state": "offline", "last_seen": seen},
    ]


async def test_of_a_burst_only_the_last_of_each_person_is_told(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, {"messages": [message("A")]})
    burst = [
        {"chat_jid": BOB, "jid": BOB, "state": state}
        for state in ("composing", "paused", "recording")
    ]

    assert await show(service, leased, *burst) == 1
    assert [told["state"] for told in await heard(database, leased)] == ["recording"]


async def test_whoever_is_not_known_and_states_that_are_not_are_left_out(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, {"messages": [message("A")]})
    strangers: list[dict[str, Any]] = [
        {"chat_jid": "7@lid", "jid": "7@lid", "state": "composing"},
        {"chat_jid": BOB, "jid": None, "state": "composing"},
        {"chat_jid": BOB, "jid": BOB, "state": "dancing"},
        {},
    ]

    assert await show(service, leased, *strangers) == 0
    assert await heard(database, leased) == []
