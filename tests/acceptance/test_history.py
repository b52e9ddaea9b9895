"""After linking, the inbox holds what the phone holds, and says how far it is."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Final

from postgrest import CountMethod

from devstack.app import Row
from devstack.whatsapp import Conversation, Remembered
from tests.acceptance.world import Linked, World

# Seconds. Thousands of messages are work, not a moment's wait: 8 on a busy machine, and more
# than 30 on one where twenty programs want two cores.
MUCH: Final = 120.0


def memories(world: World, chats: int, messages: int) -> list[Conversation]:
    return [
        Conversation(
            world.somebody(f"Freguês {chat}"),
            [
                Remembered(text=f"{chat}/{number}", age=timedelta(hours=number + 1))
                for number in range(messages)
            ],
        )
        for chat in range(chats)
    ]


async def all_of(linked: Linked, count: int) -> list[Row]:
    async def look() -> list[Row] | None:
        rows = await linked.messages(source="history")
        return rows if len(rows) >= count else None

    return await linked.app.until(look, MUCH)


async def synced(linked: Linked) -> Row:
    async def look() -> Row | None:
        row = await linked.session()
        return row if row["sync_state"] == "done" else None

    return await linked.app.until(look, MUCH)


async def test_its_progress_shows_while_it_comes(world: World) -> None:
    ana = world.somebody("Ana")
    ana.phone.remembers(memories(world, chats=6, messages=10))
    ana.phone.chats_per_chunk = 2
    ana.phone.holds_history_after(chunks=1)

    linked = await world.linked(ana)

    async def halfway() -> Row | None:
        row = await linked.session()
        return row if row["sync_progress"] > 0 else None

    row = await linked.app.until(halfway)
    assert (row["sync_state"], row["sync_progress"]) == ("running", 33)
    ana.phone.goes_on_with_history()
    row = await synced(linked)
    assert row["sync_progress"] == 100
    assert len(await linked.messages(source="history")) == 60
    await linked.wants("disconnected")


async def test_what_is_said_now_does_not_wait_for_what_was_said_then(
    world: World,
) -> None:
    ana, bob = world.somebody("Ana"), world.somebody("Bob")
    ana.phone.remembers(memories(world, chats=40, messages=150))

    linked = await world.linked(ana)
    await bob.says(ana, "agora mesmo")
    live = await linked.message("agora mesmo")
    await synced(linked)

    later = (
        await linked.app.client.table("wa_messages")
        .select(
            "id",
            count=CountMethod.exact,
            head=True,
        )
        .eq("session_id", linked.session_id)
        .gt("seq", live["seq"])
        .execute()
    )
    assert later.count, "all of history was stored before the live message"
    await linked.wants("disconnected")


async def test_a_crash_in_the_middle_costs_nothing(own_world: World) -> None:
    world = own_world
    ana = world.somebody("Ana")
    ana.phone.remembers(memories(world, chats=20, messages=100))
    ana.phone.chats_per_chunk = 5
    ana.phone.holds_history_after(chunks=2)

    linked = await world.linked(ana)
    await all_of(linked, 500)
    await world.connector.kill()
    ana.phone.goes_on_with_history()
    await world.connector.start()
    await synced(linked)

    async with world.database() as connection:
        found = await connection.fetchrow(
            "select count(*) as rows, count(distinct whatsapp_id) as messages"
            " from public.wa_messages where session_id = $1",
            linked.session_id,
        )
    assert found is not None
    assert (found["rows"], found["messages"]) == (2_000, 2_000)


async def test_reactions_ticks_and_settings_come_with_history(world: World) -> None:
    ana, bob = world.somebody("Ana"), world.somebody("Bob")
    said = Remembered(text="tem bolo?", age=timedelta(days=1), reactions=[(ana, "🎂")])
    answered = Remembered(
        text="tem!", age=timedelta(hours=20), from_me=True, read_by=[bob]
    )
    ana.phone.remembers([Conversation(bob, [said, answered], unread=2, archived=True)])

    linked = await world.linked(ana)
    await synced(linked)

    reaction = await linked.shown("wa_reactions", whatsapp_id=said.whatsapp_id)
    assert (reaction["emoji"], reaction["from_me"]) == ("🎂", True)
    row = await linked.shown("wa_messages", whatsapp_id=answered.whatsapp_id)
    assert row["status"] == "read"
    [chat] = await linked.app.chats(linked.session_id)
    assert (chat["unread_count"], chat["archived"]) == (2, True)
    await linked.wants("disconnected")


async def test_one_bad_message_costs_only_itself(world: World) -> None:
    ana, bob = world.somebody("Ana"), world.somebody("Bob")
    good = Remembered(text="boa", age=timedelta(hours=2))
    bad = Remembered(text="ruim", age=timedelta(hours=1), whatsapp_id="")
    ana.phone.remembers([Conversation(bob, [good, bad])])

    linked = await world.linked(ana)
    await synced(linked)

    assert [row["body"] for row in await linked.messages()] == ["boa"]
    event = await linked.shown("wa_events", level="error")
    assert event["code"] == "event_unreadable"
    await linked.wants("disconnected")


async def test_a_piece_that_was_announced_and_not_fetched_is_fetched_later(
    own_world: World,
) -> None:
    """neonize confirms a piece before it has it: killed meanwhile, it forgets it."""
    world = own_world
    ana = world.somebody("Ana")
    ana.phone.remembers(memories(world, chats=12, messages=50))
    ana.phone.chats_per_chunk = 3
    held = world.stage.whatsapp.media.hold_next(after=100)

    linked = await world.linked(ana)
    await held.reached.wait()
    await linked.device.has_everything()
    os.kill(linked.worker_pid(), signal.SIGKILL)
    await linked.passes("reconnecting")
    held.let_go.set()

    assert len(await all_of(linked, 600)) == 600
    await synced(linked)
