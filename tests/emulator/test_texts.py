from __future__ import annotations

import pytest

from devstack.whatsapp import Person, WhatsApp
from devstack.whatsapp.wire.binary import Jid
from tests.emulator.client import (
    CallFailed,
    Neonize,
    delivered,
    neonize_jid,
    plain,
    read,
)
from tests.emulator.linked import Linked, appears_online


async def test_a_text_arrives_and_is_receipted(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    first = await bob.says(ana.person, "first")
    await bob.says(ana.person, "second")

    message = await ana.client.message("first")
    source = message.Info.MessageSource
    assert first.id == message.Info.ID
    assert message.Info.Pushname == "Bob"
    assert message.Info.Timestamp == first.at * 1000
    assert (plain(source.Chat), plain(source.SenderAlt)) == (bob.lid, bob.jid)
    assert not source.IsFromMe
    await ana.client.message("second")
    await whatsapp.receipted(first.id, "")
    await ana.device.has_everything()


async def test_a_text_may_be_addressed_by_number(ana: Linked, bob: Person) -> None:
    await bob.says(ana.person, "by number", addressing="pn")

    source = (await ana.client.message("by number")).Info.MessageSource
    assert (plain(source.Chat), plain(source.Sender)) == (bob.jid, bob.jid)
    assert plain(source.SenderAlt) == bob.lid


async def test_a_sent_text_is_heard_and_its_ticks_come_back(
    ana: Linked, friend: Person
) -> None:
    sent = await ana.client.send(friend.jid, "hello")

    heard = await friend.hears()
    assert (heard.text, heard.whatsapp_id) == ("hello", sent.ID)
    assert heard.sender is ana.person
    await ana.client.event(Neonize.Receipt, delivered(sent.ID))
    await friend.reads(heard)
    await ana.client.event(Neonize.Receipt, read(sent.ID))
    copies = [copy.whatsapp_id for copy in ana.person.phone.own_copies]
    assert sent.ID in copies


async def test_a_conversation_goes_on_in_the_session_it_began_with(
    ana: Linked, friend: Person
) -> None:
    for turn in range(3):
        await friend.says(ana.person, f"question {turn}")
        await ana.client.message(f"question {turn}")
        await ana.client.send(friend.lid, f"answer {turn}")
        assert (await friend.hears()).text == f"answer {turn}"


async def test_what_is_typed_on_the_phone_arrives_as_ones_own(
    ana: Linked, friend: Person
) -> None:
    sent = await ana.person.phone.says(friend, "typed on the phone")

    message = await ana.client.message("typed on the phone")
    source = message.Info.MessageSource
    assert source.IsFromMe
    assert sent.id == message.Info.ID
    assert plain(source.Chat) == friend.lid
    assert (await friend.hears()).text == "typed on the phone"


async def test_two_linked_clients_talk_to_each_other(ana: Linked, dora: Linked) -> None:
    sent = await dora.client.send(ana.person.jid, "client to client")

    message = await ana.client.message("client to client")
    assert message.Info.ID == sent.ID
    assert plain(message.Info.MessageSource.Sender).bare == dora.person.lid
    await dora.client.event(Neonize.Receipt, delivered(sent.ID))


async def test_reading_a_message_tells_its_sender(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    sent = await bob.says(ana.person, "read me")
    await ana.client.message("read me")

    await ana.client.call("mark_read", neonize_jid(bob.lid), sent.id)

    assert (await whatsapp.receipted(sent.id, "read")).to == bob.lid


async def test_a_number_without_whatsapp_cannot_be_written_to(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    stranger = whatsapp.person("5571900000000", "Nobody", on_whatsapp=False)

    for address in (stranger.jid, Jid("5571900000001")):
        with pytest.raises(CallFailed, match="no LID found"):
            await ana.client.send(address, "anybody there?")


async def test_a_refused_message_is_an_error_of_the_sender(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    whatsapp.next_ack_error = 463

    with pytest.raises(CallFailed, match="server returned error 463"):
        await ana.client.send(friend.jid, "refused")

    sent = await ana.client.send(friend.jid, "accepted")
    assert (await friend.hears()).whatsapp_id == sent.ID


async def test_presence_and_typing_are_shown(ana: Linked, bob: Person) -> None:
    await appears_online(ana)
    await ana.client.call("subscribe_presence", neonize_jid(bob.lid))

    await bob.types(ana.person)
    await bob.goes_offline(ana.person)

    typing = await ana.client.event(Neonize.ChatPresence)
    assert plain(typing.MessageSource.Chat) == bob.lid
    gone = await ana.client.event(Neonize.Presence, lambda event: event.Unavailable)
    assert plain(gone.From) == bob.lid
    assert any(stanza.tag == "presence" for stanza in ana.device.presences)
