"""What a client gets over by itself, and what it is owed when it is back."""

from __future__ import annotations

import asyncio

import pytest

from devstack.whatsapp import Failure, Person, WhatsApp
from tests.emulator.client import CallFailed, ClientDied, Neonize
from tests.emulator.linked import Linked, resumed


async def test_what_was_said_meanwhile_is_delivered_after_a_broken_connection(
    ana: Linked, bob: Person
) -> None:
    ana.device.drop()
    await ana.client.event(Neonize.Disconnected)
    await bob.says(ana.person, "said while you were away")

    await ana.client.event(Neonize.Connected)
    await ana.client.message("said while you were away")
    await ana.client.event(Neonize.OfflineSyncCompleted, lambda event: event.Count > 0)
    await ana.device.has_everything()


async def test_a_server_restart_is_overcome(ana: Linked) -> None:
    ana.device.stream_error(503)

    await ana.client.event(Neonize.Disconnected)
    await ana.client.event(Neonize.Connected)


async def test_a_required_restart_goes_unnoticed(
    whatsapp: WhatsApp, dora: Linked
) -> None:
    before = dora.device.logins
    dora.device.stream_error(515)

    await whatsapp.until(lambda: dora.device.logins == before + 1)
    await dora.device.connected()
    assert dora.client.reported(Neonize.Disconnected) == []


async def test_nothing_can_be_sent_while_disconnected(
    whatsapp: WhatsApp, dora: Linked, friend: Person
) -> None:
    whatsapp.refuse_connections()
    dora.device.drop()
    await dora.client.event(Neonize.Disconnected)

    with pytest.raises(CallFailed, match="websocket not connected"):
        await dora.client.send(friend.jid, "into the void")
    whatsapp.accept_connections()

    await dora.client.event(Neonize.Connected)
    assert friend.heard == []


async def test_an_unknown_stream_error_is_reported_and_overcome(ana: Linked) -> None:
    ana.device.stream_error(999)

    error = await ana.client.event(Neonize.StreamError)
    assert error.Code == "999"
    await ana.client.event(Neonize.Disconnected)
    await ana.client.event(Neonize.Connected)


async def test_a_client_keeps_trying_while_logins_are_refused(dora: Linked) -> None:
    dora.person.login_failure = Failure(503)
    dora.device.drop()
    await dora.client.event(Neonize.Disconnected)
    await dora.client.event(Neonize.Disconnected)  # of the first attempt

    dora.person.login_failure = None

    await dora.client.event(Neonize.Connected)


async def test_an_unreachable_server_ends_the_first_attempt(
    whatsapp: WhatsApp, dora: Linked
) -> None:
    await dora.client.kill()
    whatsapp.refuse_connections()

    async with resumed(whatsapp, dora) as client:
        outcome = await client.connect_ended()
    whatsapp.accept_connections()

    assert "NeonizeError" in outcome
    async with resumed(whatsapp, dora) as client:
        await client.event(Neonize.Connected)


async def test_after_a_crash_only_what_was_not_receipted_comes_again(
    whatsapp: WhatsApp, dora: Linked, bob: Person
) -> None:
    received = await bob.says(dora.person, "received")
    await dora.client.message("received")
    await whatsapp.receipted(received.id)
    await dora.client.kill()
    await dora.device.disconnected()
    await bob.says(dora.person, "said to a dead client")
    await bob.says(dora.person, "and more")

    async with resumed(whatsapp, dora) as client:
        await client.message("said to a dead client")
        await client.message("and more")
        await dora.device.has_everything()
        assert client.reported(Neonize.Message) == []


async def test_a_message_whose_ack_is_withheld_is_neither_sent_nor_failed(
    ana: Linked, friend: Person
) -> None:
    ana.device.withhold_acks()
    sending = asyncio.create_task(ana.client.send(friend.jid, "is it there?"))

    heard = await friend.hears()
    assert heard.text == "is it there?"
    assert not sending.done()

    ana.device.release_acks()
    assert heard.whatsapp_id == (await sending).ID


async def test_a_crash_between_message_and_ack_leaves_the_message_delivered(
    dora: Linked, friend: Person
) -> None:
    dora.device.withhold_acks()
    sending = asyncio.create_task(dora.client.send(friend.jid, "last words"))
    heard = await friend.hears()

    await dora.client.kill()

    with pytest.raises((CallFailed, ClientDied, asyncio.CancelledError)):
        await sending
    assert (heard.text, heard.sender) == ("last words", dora.person)
    dora.device.release_acks()
