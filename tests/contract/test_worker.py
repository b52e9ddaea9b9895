"""The worker process, through the supervisor's handle, with unmodified neonize."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.process.orders import ExitCode
from connector.adapters.whatsapp.spool.writer import HighWater
from connector.adapters.whatsapp.store.saved import SavedStore
from connector.domain.addresses import Jid
from connector.domain.messages import Source
from connector.domain.outgoing import OutgoingMessage, OutgoingText
from connector.domain.saved import Saved
from connector.errors import (
    NotConnected,
    RecipientUnknown,
    SendRefused,
    SendUncertain,
    WorkerGone,
)
from connector.ports import Attempt, Signal
from devstack.whatsapp import Failure, Fault, Person, WhatsApp
from tests.contract.linked_number import KEY, ROOMY, TIMEOUT, Number, zygote_program
from tests.emulator.eventually import eventually

pytestmark = pytest.mark.xdist_group("whatsapp-worker")

SECRET = b"s" * 32
HELLO = OutgoingMessage(content=OutgoingText(text="hello"))


@dataclass(slots=True)
class World:
    whatsapp: WhatsApp
    ana: Person
    bob: Person
    number: Number

    @property
    def bobs_jid(self) -> Jid:
        return Jid.of_phone(self.bob.number)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], ROOMY)
            yield World(
                whatsapp, ana, bob, Number(whatsapp, ana, launcher, "session-1")
            )
            launcher.close()
        assert whatsapp.unanswered == []
        assert whatsapp.escaped == []


async def test_a_number_is_linked_by_qr_and_texts_go_both_ways(world: World) -> None:
    running = await world.number.link()
    paired = await running.event(Signal.PAIRED)
    assert paired.jid == Jid.of_phone(world.ana.number)
    assert paired.lid == Jid.parse(str(world.ana.lid))
    assert world.number.store.is_paired()

    await world.bob.says(world.ana, "oi")
    message = await world.number.wait_for("oi", running)
    assert message.sender.phone == world.bobs_jid
    assert message.source is Source.LIVE
    sent = await running.worker.send(world.bobs_jid, HELLO, SECRET)

    heard = await world.bob.hears(timeout=TIMEOUT)
    assert (heard.text, heard.whatsapp_id) == ("hello", sent.whatsapp_id)
    assert heard.message.messageContextInfo.messageSecret == SECRET
    await running.worker.stop()
    assert await running.ended() == ExitCode.STOPPED


async def test_a_number_is_linked_by_a_code_typed_on_the_phone(world: World) -> None:
    running = await world.number.launch()
    await running.worker.connect(pairing_phone=world.ana.number)
    code = (await running.event(Signal.PAIRING_CODE)).text
    assert code is not None

    await world.ana.phone.enters(code.replace("-", ""))

    await running.event(Signal.CONNECTED)
    await running.worker.stop()


async def test_a_failed_pairing_is_told_although_neonize_sends_no_event(
    world: World,
) -> None:
    running = await world.number.launch()
    await running.worker.connect(pairing_phone=None)
    qr = (await running.event(Signal.QR)).text
    assert qr is not None

    with pytest.raises(Exception, match=r"hmac"):
        await world.ana.phone.scans(qr, fault=Fault.WRONG_HMAC)

    await running.event(Signal.PAIRING_FAILED)
    await running.worker.kill()
    assert await running.ended() == ExitCode.GIVEN_UP


async def test_a_resumed_number_needs_no_qr(world: World) -> None:
    first = await world.number.link()
    await first.worker.stop()

    second = await world.number.resume()

    assert [e for e in second.said if e.signal is Signal.QR] == []
    await second.worker.stop()


async def test_a_ping_answers_while_a_send_waits_for_its_ack(world: World) -> None:
    running = await world.number.link()
    world.number.device.withhold_acks()
    sending = asyncio.create_task(running.worker.send(world.bobs_jid, HELLO, SECRET))
    await world.bob.hears(timeout=TIMEOUT)

    async with asyncio.timeout(TIMEOUT):
        await running.worker.ping()

    assert not sending.done()
    world.number.device.release_acks()
    assert (await sending).whatsapp_id
    await running.worker.stop()


async def test_an_interrupted_send_is_found_by_its_secret(world: World) -> None:
    running = await world.number.link()
    lineage = world.number.store.lineage()
    world.number.device.withhold_acks()
    sending = asyncio.create_task(running.worker.send(world.bobs_jid, HELLO, SECRET))
    heard = await world.bob.hears(timeout=TIMEOUT)

    await running.worker.kill()

    with pytest.raises((WorkerGone, SendUncertain)):
        await sending
    assert await world.number.store.find_attempt(SECRET) == Attempt(
        whatsapp_id=heard.whatsapp_id
    )
    assert await world.number.store.find_attempt(b"o" * 32) is None
    assert world.number.store.lineage() == lineage


async def test_refusals_have_their_reason(world: World) -> None:
    running = await world.number.link()
    nobody = world.whatsapp.person("5531900000000", "Nobody", on_whatsapp=False)

    with pytest.raises(RecipientUnknown):
        await running.worker.send(Jid.of_phone(nobody.number), HELLO, SECRET)
    world.whatsapp.next_ack_error = 463
    with pytest.raises(SendRefused) as refused:
        await running.worker.send(world.bobs_jid, HELLO, SECRET)

    assert refused.value.server_code == 463
    await running.worker.disconnect()
    with pytest.raises(NotConnected):
        await running.worker.send(world.bobs_jid, HELLO, SECRET)
    await running.worker.stop()


async def test_nothing_unconfirmed_is_lost_when_the_worker_is_killed(
    world: World,
) -> None:
    """But what was on its way: one or two as a rule (docs/decisions/0006).

    Where the recorder's thread hardly gets a turn there were 43: `make crashes` counts them.
    """
    burst, window = 400, 100
    running = await world.number.link()
    saying = asyncio.create_task(_burst(world, burst))
    async with asyncio.timeout(TIMEOUT):
        while await world.number.spool.depth() < burst // 4:
            await running.event(Signal.SPOOLED)
    await running.worker.kill()
    await saying

    again = await world.number.resume()
    await world.number.device.has_everything(timeout=TIMEOUT)
    await again.worker.stop()

    texts = await world.number.texts()
    assert len(texts) == len(set(texts))
    lost = [number for number in range(burst) if f"m{number}" not in texts]
    assert len(lost) <= window
    assert not lost or lost[-1] - lost[0] == len(lost) - 1


async def test_a_planned_stop_in_a_burst_loses_nothing(world: World) -> None:
    burst = 400
    running = await world.number.link()
    saying = asyncio.create_task(_burst(world, burst))
    async with asyncio.timeout(TIMEOUT):
        while await world.number.spool.depth() < burst // 4:
            await running.event(Signal.SPOOLED)

    started = time.monotonic()
    await running.worker.stop()
    assert time.monotonic() - started < TIMEOUT
    assert await running.ended() == ExitCode.STOPPED
    await saying
    again = await world.number.resume()
    await world.number.device.has_everything(timeout=TIMEOUT)
    await again.worker.stop()

    assert sorted(await world.number.texts()) == sorted(f"m{n}" for n in range(burst))


async def _burst(world: World, count: int) -> None:
    for number in range(count):
        await world.bob.says(world.ana, f"m{number}")


async def test_the_end_of_the_supervisor_stops_the_worker_in_order(
    tmp_path: Path,
) -> None:
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        with zygote_program(whatsapp.environment) as (zygote, program):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()
            await bob.says(ana, "last words")

            # What the kernel does when the supervisor is killed: every end closes.
            await running.worker._channel.close()
            zygote.close()

            await asyncio.to_thread(program.wait, TIMEOUT)
            assert program.returncode == 0
            await number.device.disconnected()
        # It had a planned stop: what WhatsApp was told is received is in the spool. What
        # was spooled without being told comes again, and is stored once.
        assert "last words" in await number.texts() or number.device.undelivered
        launcher.close()


async def test_the_death_of_the_zygote_takes_its_workers_along(
    tmp_path: Path,
) -> None:
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        with zygote_program(whatsapp.environment) as (zygote, program):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()

            program.kill()

            await running.ended()
            await number.device.disconnected()
            async with asyncio.timeout(TIMEOUT):
                await zygote.wait_gone()
            with pytest.raises(WorkerGone):
                await number.launch()
            launcher.close()


async def test_a_folder_has_one_worker_at_a_time(world: World) -> None:
    first = await world.number.link()

    second = await world.number.launch()

    assert await second.ended() == ExitCode.FOLDER_BUSY
    await first.worker.ping()
    with pytest.raises(BlockingIOError):
        world.number.store.discard()
    await first.worker.stop()
    world.number.store.discard()
    assert not world.number.store.is_paired()


async def test_a_failed_first_dial_is_told_and_can_be_repeated(world: World) -> None:
    world.whatsapp.refuse_connections()
    running = await world.number.launch()
    await running.worker.connect(pairing_phone=None)
    await running.event(Signal.CONNECT_ERROR)

    world.whatsapp.accept_connections()
    await running.worker.connect(pairing_phone=None)

    await running.event(Signal.QR)
    await running.worker.kill()


@pytest.mark.parametrize(
    ("failure", "signal", "code"),
    [
        (Failure(reason=401), Signal.LOGGED_OUT, 401),
        (Failure(reason=403), Signal.LOGGED_OUT, 403),
        (Failure(reason=406), Signal.LOGGED_OUT, 406),
        (Failure(reason=402, code=101, expire=3600), Signal.BANNED, 101),
        (Failure(reason=405), Signal.OUTDATED, None),
        (Failure(reason=409), Signal.CONNECT_FAILURE, 409),
    ],
    ids=lambda value: str(getattr(value, "reason", "")),
)
async def test_a_refused_login_keeps_whatsapps_code(
    world: World, failure: Failure, signal: Signal, code: int | None
) -> None:
    first = await world.number.link()
    await first.worker.stop()
    world.ana.login_failure = failure

    second = await world.number.launch()
    await second.worker.connect(pairing_phone=None)

    assert (await second.event(signal)).code == code
    await second.worker.stop()


async def test_endings_while_connected_are_told_apart(world: World) -> None:
    running = await world.number.link()
    device = world.number.device

    device.drop()
    await running.event(Signal.DISCONNECTED)
    await running.until(
        lambda said: [e for e in said if e.signal is Signal.CONNECTED][1:]
    )
    device.replaced()
    await running.event(Signal.REPLACED)
    await running.worker.stop()

    again = await world.number.resume()
    device.removed()
    assert (await again.event(Signal.LOGGED_OUT)).code == 401
    await again.worker.stop()
    assert not world.number.store.is_paired()


def _has_a_name(saved: Saved | None) -> bool:
    return saved is not None and bool(saved.push_name)


async def test_logging_out_unlinks_the_device(world: World) -> None:
    running = await world.number.link()
    device = world.number.device
    # whatsmeow writes the device down once more when it learns its owner's name: after
    # the log-out that would bring it back. (The runner discards the store for that.)
    await eventually(SavedStore(world.number.store.folder).saved, _has_a_name)

    await running.worker.log_out()

    await device.unlinked()
    await running.worker.stop()
    assert not world.number.store.is_paired()


async def test_a_full_spool_stops_receiving_and_whatsapp_keeps_the_rest(
    tmp_path: Path,
) -> None:
    small = HighWater(spool_bytes=150_000, free_bytes=0)
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], small)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()
            said = [f"{n} {'x' * 2_000}" for n in range(200)]
            for text in said:
                await bob.says(ana, text)

            await running.event(Signal.SPOOL_FULL)
            await number.device.disconnected()
            # A busy machine hangs up late: it may have got all that was said until then.
            await bob.says(ana, "too late")
            said.append("too late")
            await running.worker.stop()
            assert number.device.undelivered != []

            assert set(await number.texts()) < set(said)
            while {m.body for m in number.received} < set(said):  # a spool's worth
                again = await number.launch()
                await again.worker.connect(pairing_phone=None)
                await again.until(
                    lambda events: [
                        e
                        for e in events
                        if e.signal in {Signal.OFFLINE_SYNC_DONE, Signal.SPOOL_FULL}
                    ]
                )
                await again.worker.stop()
                await number.texts()
            assert {m.body for m in number.received} == set(said)
            launcher.close()
