"""Broadcasts and private channels as the unmodified realtime-py uses them."""

from __future__ import annotations

from typing import Any

import httpx
from realtime import RealtimeSubscribeStates
from supabase import AsyncClient

from tests.contract.ear import Ear
from tests.contract.project import Person, Supabase
from tests.contract.writing import (
    send,
    unique,
)

CHANNEL_ERROR = RealtimeSubscribeStates.CHANNEL_ERROR


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
