"""What reaches the number is in the tables, once, in order, with the right people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devstack.whatsapp import Conversation, Remembered
from tests.acceptance.world import Linked, World


async def test_a_text_becomes_a_row_of_its_senders_chat(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.says(linked.owner, "Oi! Tudo bem?")
    row = await linked.said(sent)

    assert row["body"] == "Oi! Tudo bem?"
    assert (row["kind"], row["source"], row["from_me"]) == ("text", "live", False)
    assert row["sender_name"] == "Bob"
    [chat] = await linked.app.chats(linked.session_id)
    assert chat["id"] == row["chat_id"]
    assert (chat["kind"], chat["jid"]) == ("direct", str(bob.lid))
    assert (chat["unread_count"], chat["last_message_preview"]) == (1, "Oi! Tudo bem?")


@pytest.mark.parametrize("first", ["lid", "pn"])
async def test_one_person_under_two_addresses_is_one_chat(
    linked: Linked, first: str
) -> None:
    bob = linked.world.somebody("Bob")
    second = "pn" if first == "lid" else "lid"

    await bob.says(linked.owner, "um", addressing=first)  # type: ignore[arg-type]  # a literal
    await bob.says(linked.owner, "dois", addressing=second)  # type: ignore[arg-type]  # a literal
    one, two = await linked.message("um"), await linked.message("dois")

    assert one["chat_id"] == two["chat_id"]
    contacts = await linked.app.client.table("wa_contacts").select("*").execute()
    [contact] = [row for row in contacts.data if row["jid"] == str(bob.lid)]  # type: ignore[index,call-overload]  # rows
    assert contact["phone_number"] == bob.number  # type: ignore[index,call-overload]  # a row


async def test_a_group_shows_who_really_wrote(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    family = world.stage.whatsapp.group("Família", linked.owner, [bob, carla])

    await bob.says(family, "quem vem?")
    await carla.says(family, "eu!")
    question, answer = await linked.message("quem vem?"), await linked.message("eu!")

    assert question["chat_id"] == answer["chat_id"]
    assert (question["sender_name"], answer["sender_name"]) == ("Bob", "Carla")
    assert answer["sender_jid"] == str(carla.lid)
    [chat] = await linked.app.chats(linked.session_id)
    assert chat["kind"] == "group"


async def test_what_the_owner_types_on_the_phone_is_theirs(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    await linked.owner.phone.says(bob, "já respondo")
    row = await linked.message("já respondo")

    assert (row["from_me"], row["source"]) == (True, "phone")
    [chat] = await linked.app.chats(linked.session_id)
    assert chat["jid"] == str(bob.lid)
    assert chat["unread_count"] == 0


async def test_the_last_days_come_with_the_link_and_older_ones_do_not(
    world: World,
) -> None:
    ana, bob = world.somebody("Ana"), world.somebody("Bob")
    ana.phone.remembers(
        [
            Conversation(
                bob,
                [
                    Remembered(text="há três dias", age=timedelta(days=3)),
                    Remembered(text="eu disse", age=timedelta(days=2), from_me=True),
                    Remembered(text="no ano passado", age=timedelta(days=300)),
                ],
            )
        ]
    )

    linked = await world.linked(ana)
    await linked.message("há três dias")
    own = await linked.message("eu disse")
    await bob.says(ana, "agora")
    live = await linked.message("agora")

    rows = await linked.messages(source="history")
    assert sorted(row["body"] for row in rows) == ["eu disse", "há três dias"]
    assert own["from_me"] is True
    assert own["chat_id"] == live["chat_id"]
    await linked.wants("disconnected")


async def test_a_burst_arrives_whole_and_in_order(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    for number in range(300):
        await bob.says(linked.owner, f"{number:03}")
    bodies = await linked.bodies(300)

    assert bodies == [f"{number:03}" for number in range(300)]


async def test_what_is_delivered_twice_is_stored_once(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")

    sent = await bob.says(linked.owner, "uma vez só")
    await linked.message("uma vez só")
    await bob.says(linked.owner, "uma vez só", whatsapp_id=sent.whatsapp_id)
    await bob.says(linked.owner, "e depois")
    await linked.message("e depois")

    assert len(await linked.messages(body="uma vez só")) == 1


async def test_whatsapp_is_told_what_arrived_and_sends_nothing_again(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    await bob.says(linked.owner, "antes")
    await linked.device.has_everything()

    linked.device.drop()
    await linked.device.disconnected()
    await bob.says(linked.owner, "durante")
    await linked.device.connected()
    await linked.message("durante")

    assert [row["body"] for row in await linked.messages()] == ["antes", "durante"]
