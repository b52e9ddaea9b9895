"""What happens to messages afterwards shows in their rows, in whatever order it arrives."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devstack.app import Row
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


async def chat_of(linked: Linked, message: Row) -> Row:
    [chat] = await linked.app.rows("wa_chats", id=message["chat_id"])
    return chat


async def test_an_edit_replaces_the_text_and_keeps_the_earlier_ones(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.says(linked.owner, "sao 3 bolos")
    row = await linked.said(sent)
    await bob.edits(sent, "são 3 bolos")
    await bob.edits(sent, "são 4 bolos")
    edited = await linked.becomes(sent, lambda one: one["body"] == "são 4 bolos")

    assert edited["id"] == row["id"]
    assert edited["edited_at"] is not None
    inbox = await linked.world.inbox()
    versions = await inbox.rows(
        linked.app,
        "wa_message_edits",
        "version, body",
        {"message_id": row["id"]},
        ["version"],
    )
    assert [one["body"] for one in versions] == ["sao 3 bolos", "são 3 bolos"]
    chat = await chat_of(linked, row)
    assert chat["last_message_preview"] == "são 4 bolos"


async def test_a_deletion_marks_the_row_and_keeps_it(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.says(linked.owner, "foi engano")
    await linked.said(sent)
    await bob.deletes(sent)
    row = await linked.becomes(sent, lambda one: one["revoked_at"])

    assert row["revoked_by_jid"] == str(bob.lid)
    chat = await chat_of(linked, row)
    assert chat["last_message_preview"] is None


async def test_a_groups_admin_may_delete_what_another_said(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", bob, [linked.owner, carla])

    sent = await carla.says(team, "spam")
    await linked.said(sent)
    await bob.deletes(sent)
    row = await linked.becomes(sent, lambda one: one["revoked_at"])

    assert row["revoked_by_jid"] == str(bob.lid)
    assert row["sender_jid"] == str(carla.lid)


async def test_each_person_has_one_reaction_and_may_take_it_back(
    linked: Linked,
) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])

    sent = await bob.says(team, "ganhamos!")
    row = await linked.said(sent)
    await carla.reacts(sent, "👍")
    await carla.reacts(sent, "❤️")
    await bob.reacts(sent, "🎉")
    await bob.reacts(sent, "")

    inbox = await world.inbox()
    about = {"whatsapp_id": sent.whatsapp_id}

    async def look() -> list[Row] | None:
        found = await inbox.rows(linked.app, "wa_reactions", "*", about)
        emojis = {row["sender_jid"]: row["emoji"] for row in found}
        wanted = {str(carla.lid): "❤️", str(bob.lid): ""}
        return found if emojis == wanted else None

    await linked.app.until(look)
    assert await inbox.rows(await world.stranger(), "wa_reactions", "*", about) == []
    chat = await chat_of(linked, row)
    assert chat["unread_count"] == 1


async def test_the_owners_own_changes_on_the_phone_are_ours(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    asked = await bob.says(linked.owner, "tem bolo?")
    await linked.said(asked)
    sent = await linked.owner.phone.says(bob, "tem sim, R$ 5")
    await linked.owner.phone.edits(sent, "tem sim, R$ 6")
    await linked.owner.phone.reacts(asked, "🎂")
    row = await linked.becomes(sent, lambda one: one["body"] == "tem sim, R$ 6")

    assert (row["from_me"], row["source"]) == (True, "phone")
    reaction = await linked.shown("wa_reactions", whatsapp_id=asked.whatsapp_id)
    assert (reaction["from_me"], reaction["emoji"]) == (True, "🎂")


async def test_what_could_not_be_read_is_replaced_where_it_stood(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")

    first = await bob.says(linked.owner, "antes")
    garbled = await bob.garbles(linked.owner, "agora sim")
    after = await bob.says(linked.owner, "depois")
    row = await linked.becomes(garbled, lambda one: one["body"] == "agora sim")
    await linked.said(after)

    assert row["kind"] == "text"
    found = await linked.messages(chat_id=row["chat_id"])
    order = [one["whatsapp_id"] for one in found]
    assert order == [first.whatsapp_id, garbled.whatsapp_id, after.whatsapp_id]


async def test_disappearing_messages_know_when(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    day = timedelta(days=1)

    await bob.sets_timer(linked.owner, day)
    sent = await bob.says(linked.owner, "só por hoje")
    row = await linked.said(sent)

    assert row["expires_at"] is not None
    assert row["expires_at"] > row["sent_at"]
    chat = await chat_of(linked, row)
    assert chat["disappearing_seconds"] == day.total_seconds()


async def test_reading_on_the_phone_clears_what_is_unread(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    await bob.says(linked.owner, "um")
    last = await bob.says(linked.owner, "dois")
    row = await linked.said(last)
    chat = await chat_of(linked, row)
    assert chat["unread_count"] == 2
    await linked.owner.phone.reads(bob)

    async def look() -> Row | None:
        chat = await chat_of(linked, row)
        return chat if chat["unread_count"] == 0 else None

    await linked.app.until(look)


async def test_ticks_are_kept_for_each_member_of_a_group(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    bob.receipts = carla.receipts = "none"
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])

    await linked.sends(str(team.jid), "reunião às 10h")
    for_bob, for_carla = await bob.hears(), await carla.hears()
    await bob.receives(for_bob)
    await carla.reads(for_carla)

    inbox = await world.inbox()
    about = {"whatsapp_id": for_bob.whatsapp_id}

    async def look() -> list[Row] | None:
        found = await inbox.rows(linked.app, "wa_receipts", "*", about)
        ticks = {row["participant_jid"]: row["status"] for row in found}
        return (
            found
            if ticks == {str(bob.lid): "delivered", str(carla.lid): "read"}
            else None
        )

    await linked.app.until(look)
    row = await linked.shown("wa_messages", whatsapp_id=for_bob.whatsapp_id)
    assert row["status"] == "read"
    assert await inbox.rows(await world.stranger(), "wa_receipts", "*", about) == []
