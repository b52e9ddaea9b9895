"""What people notice of what a real client does: files, changes, ticks, typing."""

from __future__ import annotations

import asyncio

import pytest

from devstack.whatsapp import Group, Person, SeenTyping, WhatsApp
from devstack.whatsapp.stanza_kinds import outside
from devstack.whatsapp.verbs.polling import poll_message
from devstack.whatsapp.wire.errors import DecryptError
from devstack.whatsapp.wire.protobufs import E2E
from tests.emulator.client import CallFailed, Neonize, delivered, neonize_jid
from tests.emulator.linked import Linked, appears_online
from tests.emulator.test_media import jpeg


async def test_a_file_is_opened_by_who_it_was_sent_to(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    before = len(whatsapp.media.uploads)
    await ana.client.call("send_image", neonize_jid(friend.jid), jpeg(), "look")

    heard = await friend.hears()

    assert await friend.opens(heard) == jpeg()
    [path] = whatsapp.media.uploads[before:]
    assert heard.message.imageMessage.directPath == path
    assert heard.outside == outside(heard.message)
    assert heard.outside.media_type == "image"


async def test_a_file_that_is_not_what_its_message_says_is_not_opened(
    bob: Person, carla: Person
) -> None:
    for forged in ("hash", "encrypted_hash", "key"):
        await bob.sends_image(carla, jpeg(), forged=forged)
        with pytest.raises(DecryptError):
            await carla.opens(carla.heard[-1])
    await bob.says(carla, "no file at all")
    with pytest.raises(ValueError, match="no file"):
        await carla.opens(carla.heard[-1])


async def test_an_upload_can_be_refused_or_kept_waiting(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    to = neonize_jid(friend.jid)
    whatsapp.media.fail_next_upload(500)
    with pytest.raises(CallFailed, match="upload failed with status code 500"):
        await ana.client.call("send_image", to, jpeg(), "refused")

    held = whatsapp.media.hold_next_upload()
    sending = asyncio.create_task(ana.client.call("send_image", to, jpeg(), "held"))
    await held.reached.wait()
    assert friend.heard == []
    held.let_go.set()
    await sending

    assert (await friend.hears()).message.imageMessage.caption == "held"


async def test_changes_say_on_the_outside_what_they_do(
    ana: Linked, friend: Person
) -> None:
    to, client = neonize_jid(friend.jid), ana.client
    sent = await client.send(friend.jid, "wrnog")
    await friend.hears()

    await client.call("edit_message", to, sent.ID, E2E.Message(conversation="right"))
    await client.call("revoke_message", to, neonize_jid(ana.person.jid), sent.ID)

    edit, deletion = await friend.hears(), await friend.hears()
    assert (edit.outside.edit, deletion.outside.edit) == ("1", "7")
    assert edit.outside.hides_failure
    for heard in (edit, deletion):
        assert heard.outside == outside(heard.message)
        await client.event(Neonize.Receipt, delivered(heard.whatsapp_id))


async def test_only_the_first_version_of_a_poll_is_one_to_the_library(
    ana: Linked, friend: Person
) -> None:
    several, one = (poll_message("When?", ["now", "later"], n) for n in (0, 1))
    for message in (several, one):
        await ana.client.call("send_message", neonize_jid(friend.jid), message)

    first, third = await friend.hears(), await friend.hears()

    assert first.outside == outside(first.message)
    assert third.message.HasField("pollCreationMessageV3")
    assert (third.outside.type, third.outside.meta) == ("text", None)


async def test_blue_ticks_say_whose_message_was_read(
    ana: Linked, carla: Person, family: Group
) -> None:
    said = await carla.says(ana.person, "read me, too")
    await ana.client.message("read me, too")

    await ana.client.call("mark_read", neonize_jid(carla.lid), said.id)

    assert (await carla.was_read(said)).device is ana.device
    said = await carla.says(family, "and me")
    await ana.client.message("and me")
    await ana.client.call(
        "mark_read_in_group", neonize_jid(family.jid), neonize_jid(carla.lid), said.id
    )
    receipt = await carla.was_read(said)
    assert (receipt.to, receipt.participant) == (family.jid, carla.lid)


async def test_typing_is_seen_in_a_chat_and_by_a_whole_group(
    ana: Linked, carla: Person, friend: Person, family: Group
) -> None:
    for doing in ("typing", "recording", "paused"):
        await ana.client.call("show_typing", neonize_jid(friend.jid), doing)
        seen = await friend.sees_typing()
        assert seen == SeenTyping(ana.person, ana.person, doing)

    await ana.client.call("show_typing", neonize_jid(family.jid), "typing")

    assert (await carla.sees_typing()).chat is family
    assert ana.person.seen_typing == []


async def test_one_client_sees_another_one_type(ana: Linked, dora: Linked) -> None:
    await appears_online(dora)

    await ana.client.call("show_typing", neonize_jid(dora.person.lid), "recording")

    event = await dora.client.event(Neonize.ChatPresence)
    assert event.Media == Neonize.ChatPresence.AUDIO


async def test_the_next_messages_of_one_device_are_refused(
    ana: Linked, dora: Linked, friend: Person
) -> None:
    dora.device.refuse_next(429, times=2)

    for _ in range(2):
        with pytest.raises(CallFailed, match="server returned error 429"):
            await dora.client.send(friend.jid, "refused")
    await ana.client.send(friend.jid, "of somebody else")
    await dora.client.send(friend.jid, "accepted")

    heard = [(await friend.hears()).text for _ in range(2)]
    assert heard == ["of somebody else", "accepted"]
