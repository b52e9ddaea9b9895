from __future__ import annotations

import pytest

from devstack.whatsapp import Group, MessageFrame, Person, WhatsApp
from devstack.whatsapp.wire.curve import KeyPair
from devstack.whatsapp.wire.prekeys import OneTimePrekey
from tests.emulator.client import Neonize, delivered
from tests.emulator.linked import Linked


async def test_what_the_client_cannot_decrypt_is_sent_again(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    hugo = whatsapp.person("5581933334444", "Hugo")
    await hugo.says(ana.person, "readable")
    await ana.client.message("readable")
    hugo.phone.device.identity.damage_session(ana.device.address)

    sent = await hugo.says(ana.person, "readable in the end")

    undecryptable = await ana.client.event(Neonize.UndecryptableMessage)
    message = await ana.client.message("readable in the end")
    assert undecryptable.Info.ID == message.Info.ID == sent.id
    await ana.device.has_everything()


@pytest.mark.parametrize("in_group", [False, True])
async def test_a_garbled_message_comes_again_with_the_same_id(
    ana: Linked, bob: Person, family: Group, *, in_group: bool
) -> None:
    to = family if in_group else ana.person
    sent = await bob.garbles(to, "in the end")
    later = await bob.says(to, "and then")

    first = await ana.client.event(Neonize.UndecryptableMessage)
    message = await ana.client.arrival(sent)
    await ana.client.arrival(later)

    assert sent.id == first.Info.ID
    assert message.Message.conversation == "in the end"
    await ana.device.has_everything()


async def test_a_garbled_message_may_stay_unreadable_for_long(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    sent = await bob.garbles(ana.person, "much later", hidden=True, answers=False)
    lost = await ana.client.event(Neonize.UndecryptableMessage)
    await whatsapp.receipted(sent.id, "retry")

    await bob.resends(sent)

    assert (await ana.client.arrival(sent)).Message.conversation == "much later"
    assert lost.DecryptFailMode == Neonize.UndecryptableMessage.DECRYPT_FAIL_HIDE


async def test_keys_the_client_has_lost_are_replaced_by_those_it_encloses(
    whatsapp: WhatsApp, ana: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a store that was restored from before it uploaded what the server hands out."""
    lost = [OneTimePrekey(0xF0_00_00 + n, KeyPair().public) for n in range(20)]
    monkeypatch.setattr(ana.device.published_keys, "one_time", lost)
    lia = whatsapp.person("5581911112222", "Lia")

    sent = await lia.says(ana.person, "to whom it was before")

    message = await ana.client.arrival(sent)
    assert message.Message.conversation == "to whom it was before"
    retries = [one for one in whatsapp.receipts if sent.id in one.message_ids]
    assert [one.type for one in retries].count("retry") == 2


async def test_what_a_phone_cannot_decrypt_the_client_sends_again(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    ines = whatsapp.person("5581955556666", "Inês")
    await ana.client.send(ines.jid, "before the reinstallation")
    await ines.hears()
    ines.phone.device.identity.forget_session(ana.device.address)
    frames: list[MessageFrame] = []
    stop_watching = whatsapp.frames.on_message_frame(frames.append)

    sent = await ana.client.send(ines.jid, "after the reinstallation")

    heard = await ines.hears()
    stop_watching()
    assert (heard.text, heard.whatsapp_id) == ("after the reinstallation", sent.ID)
    assert [frame.whatsapp_id for frame in frames].count(sent.ID) == 2
    await ana.client.event(Neonize.Receipt, delivered(sent.ID))


async def test_every_device_of_the_recipient_can_decrypt(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    jo = whatsapp.person("5581977778888", "Jo", emulated_devices=3)

    await ana.client.send(jo.jid, "to all of you")

    await whatsapp.until(lambda: len(jo.heard_elsewhere) == 2)
    heard = [*jo.heard, *jo.heard_elsewhere]
    assert {message.device for message in heard} == {0, 1, 2}
    assert {message.text for message in heard} == {"to all of you"}
