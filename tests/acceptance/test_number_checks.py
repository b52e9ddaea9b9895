"""An app asks which numbers are on WhatsApp; what was answered is not asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from postgrest.exceptions import APIError
from realtime import RealtimePostgresChangesListenEvent, RealtimeSubscribeStates

from devstack.app import PATIENCE, Row
from devstack.whatsapp import Person
from tests.acceptance.world import Linked, World

TABLE = "wa_number_checks"


async def checks(linked: Linked, *numbers: str) -> list[Row]:
    answer = await linked.app.client.rpc(
        "wa_check_numbers",
        {"p_session_id": linked.session_id, "p_numbers": list(numbers)},
    ).execute()
    assert isinstance(answer.data, list)
    return answer.data


async def known(linked: Linked, *numbers: str) -> dict[str, Row]:
    """The rows once none waits any more, by number."""

    async def look() -> list[Row] | None:
        rows = await linked.app.rows(TABLE, session_id=linked.session_id)
        asked = [row for row in rows if row["number"] in numbers]
        waiting = [row for row in asked if row["state"] == "queued"]
        return asked if len(asked) == len(numbers) and not waiting else None

    rows = await linked.app.until(look)
    return {row["number"]: row for row in rows}


@asynccontextmanager
async def watching(linked: Linked) -> AsyncIterator[asyncio.Queue[Row]]:
    """The rows that Realtime shows this user from now on, as they change."""
    shown: asyncio.Queue[Row] = asyncio.Queue()
    joined = asyncio.Event()
    channel = linked.app.client.channel(f"checks of {linked.session_id}")
    channel = channel.on_postgres_changes(
        RealtimePostgresChangesListenEvent.Update,
        schema="public",
        table=TABLE,
        callback=lambda change: shown.put_nowait(change["data"]["record"] or {}),
    )
    await channel.subscribe(
        lambda state, _: (
            joined.set() if state is RealtimeSubscribeStates.SUBSCRIBED else None
        )
    )
    async with asyncio.timeout(PATIENCE):
        await joined.wait()
    try:
        yield shown
    finally:
        await channel.unsubscribe()


def questions_about(world: World, number: str) -> int:
    """How often WhatsApp was asked whose number that is."""
    asked = world.stage.whatsapp.look_ups.of("number")
    return sum(number in str(about) for one in asked for about in one.about)


def without_nine(person: Person) -> str:
    return person.number[:4] + person.number[5:]


async def test_an_app_learns_who_is_on_whatsapp_and_how_whatsapp_writes_them(
    linked: Linked,
) -> None:
    world = linked.world
    bob, dora = world.somebody("Bob"), world.somebody("Dora")
    nobody = world.somebody("Nobody", on_whatsapp=False)
    number = next(world.numbers)
    carla = world.stage.whatsapp.person(
        number, "Carla", also_written=(number[:4] + number[5:],)
    )
    bakery = world.somebody("Padaria")
    bakery.business_name = "Padaria do Zé"
    written = [
        *(f"+{bob.number}", without_nine(carla), nobody.number, bakery.number),
        f"+{dora.number[:2]} ({dora.number[2:4]}) {dora.number[4:9]}-{dora.number[9:]}",
    ]

    async with watching(linked) as shown:
        queued = await checks(linked, *written)
        told: dict[str, Row] = {}
        async with asyncio.timeout(PATIENCE):
            while len(told) < len(written):
                row = await shown.get()
                told[row["number"]] = row

    assert [row["state"] for row in queued] == ["queued"] * len(written)
    assert {row["state"] for row in told.values()} == {"done"}
    assert told[bob.number]["jid"] == str(bob.lid)
    assert told[dora.number]["on_whatsapp"] is True
    assert told[without_nine(carla)]["phone_number"] == carla.number
    assert told[without_nine(carla)]["jid"] == str(carla.lid)
    assert told[bakery.number]["business_name"] == "Padaria do Zé"
    assert (told[nobody.number]["on_whatsapp"], told[nobody.number]["jid"]) == (
        False,
        None,
    )
    assert (
        len({row["id"] for row in told.values()} & {row["id"] for row in queued}) == 5
    )


async def test_what_is_known_is_returned_at_once_and_whatsapp_is_not_asked(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    nobody = linked.world.somebody("Nobody", on_whatsapp=False)
    await checks(linked, bob.number, nobody.number)
    await known(linked, bob.number, nobody.number)

    again = await checks(linked, nobody.number, bob.number)
    row_id = await linked.sends(nobody.number, "oi")
    failed = await linked.app.outbox_is(row_id, "failed")
    row_id = await linked.sends(bob.number, "oi")
    await linked.app.outbox_is(row_id, "delivered")

    assert [row["state"] for row in again] == ["done", "done"]
    assert [row["on_whatsapp"] for row in again] == [False, True]
    assert failed["error_code"] == "not_on_whatsapp"
    assert [heard.text for heard in bob.heard] == ["oi"]
    assert questions_about(linked.world, bob.number) == 1
    assert questions_about(linked.world, nobody.number) == 1


async def test_another_tenant_asks_nothing_here_and_sees_nothing(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    await checks(linked, bob.number)
    await known(linked, bob.number)
    stranger = await linked.world.stranger()

    with pytest.raises(APIError) as refusal:
        await stranger.client.rpc(
            "wa_check_numbers",
            {"p_session_id": linked.session_id, "p_numbers": [bob.number]},
        ).execute()

    assert refusal.value.code == "42501"
    assert await stranger.rows(TABLE) == []


async def test_a_malformed_number_is_named_by_its_place(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    with pytest.raises(APIError) as refusal:
        await checks(linked, bob.number, "0800 secret")

    assert "Number 2 of the list" in str(refusal.value.message)
    assert "secret" not in str(refusal.value)
    assert await linked.app.rows(TABLE, session_id=linked.session_id) == []


async def test_whom_a_message_did_not_find_is_remembered_across_a_restart(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    nobody = own_world.somebody("Nobody", on_whatsapp=False)
    first = await linked.sends(nobody.number, "oi")
    await linked.app.outbox_is(first, "failed")
    rows = await known(linked, nobody.number)
    assert rows[nobody.number]["on_whatsapp"] is False

    await own_world.connector.kill()
    await own_world.connector.start()
    second = await linked.sends(nobody.number, "oi?")
    failed = await linked.app.outbox_is(second, "failed", within=60)

    assert failed["error_code"] == "not_on_whatsapp"
    assert questions_about(own_world, nobody.number) == 1


async def until_asked(world: World, number: str) -> None:
    await world.stage.whatsapp.until(lambda: questions_about(world, number) > 0)


async def let_time_pass(world: World) -> None:
    """An hour, as far as number checks know."""
    async with world.database() as database:
        await database.execute(
            "update wa_private.number_questions set asked_at = asked_at - interval '1 hour'"
        )
        await database.execute(
            "update wa_sessions set number_checks_paused_until = now()"
            " where number_checks_paused_until is not null"
        )


async def test_too_many_questions_delay_the_answers_and_fail_nothing(
    own_world: World,
) -> None:
    linked = await own_world.linked()
    bob, carla = own_world.somebody("Bob"), own_world.somebody("Carla")
    own_world.stage.whatsapp.refuse_look_ups(429, 1, "number")
    await checks(linked, bob.number)
    await until_asked(own_world, bob.number)

    async def paused() -> Row | None:
        session = await linked.session()
        return session if session["number_checks_paused_until"] else None

    await linked.app.until(paused)
    # A connector that is started anew keeps to the pause.
    await own_world.connector.stop()
    await own_world.connector.start()
    await linked.session_is("connected")
    [row, _] = await checks(linked, bob.number, carla.number)
    # Sending goes on meanwhile, and shows that what rang the connector was heard.
    row_id = await linked.sends(carla.number, "oi")
    await linked.app.outbox_is(row_id, "delivered")
    assert (row["state"], row["error_code"]) == ("queued", None)
    assert questions_about(own_world, bob.number) == 1

    await let_time_pass(own_world)
    await own_world.connector.stop()
    await own_world.connector.start()
    rows = await known(linked, bob.number, carla.number)
    assert [rows[one.number]["on_whatsapp"] for one in (bob, carla)] == [True, True]


async def test_killed_before_the_answer_it_is_asked_again(own_world: World) -> None:
    linked = await own_world.linked()
    bob = own_world.somebody("Bob")
    own_world.stage.whatsapp.slow_look_ups(5)
    await checks(linked, bob.number)
    await until_asked(own_world, bob.number)

    await own_world.connector.kill()
    own_world.stage.whatsapp.slow_look_ups(0)
    await let_time_pass(own_world)
    await own_world.connector.start()

    rows = await known(linked, bob.number)
    assert rows[bob.number]["on_whatsapp"] is True
    assert questions_about(own_world, bob.number) == 2
