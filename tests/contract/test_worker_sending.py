"""Several messages under way through one worker: their order, and where it breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage, OutgoingText
from connector.errors import NotConnected, SendRefused, SendUncertain, WorkerGone
from connector.ports import Attempt, Sent
from devstack.whatsapp import LinkedDevice, Person, WhatsApp
from tests.contract.linked_number import (
    KEY,
    ROOMY,
    TIMEOUT,
    Number,
    Running,
    zygote_program,
)

pytestmark = pytest.mark.xdist_group("whatsapp-worker")


@dataclass(slots=True)
class World:
    whatsapp: WhatsApp
    bob: Person
    number: Number
    running: Running

    @property
    def device(self) -> LinkedDevice:
        return self.number.device

    def send(self, text: str) -> asyncio.Task[Sent]:
        """Begin to send; its secret is as good a name as its text."""
        message = OutgoingMessage(content=OutgoingText(text=text))
        to = Jid.of_phone(self.bob.number)
        return asyncio.create_task(
            self.running.worker.send(to, message, secret_of(text))
        )

    async def attempt(self, text: str) -> Attempt | None:
        return await self.number.store.find_attempt(secret_of(text))

    async def bob_hears(self) -> str:
        return (await self.bob.hears(timeout=TIMEOUT)).text


def secret_of(text: str) -> bytes:
    return text.encode().ljust(32, b".")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with WhatsApp.start(tmp_path / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, tmp_path / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()
            yield World(whatsapp, bob, number, running)
            await running.worker.kill()
            launcher.close()


async def test_messages_leave_in_the_order_in_which_they_were_handed_over(
    world: World,
) -> None:
    texts = [f"m{number}" for number in range(40)]
    under_way: list[asyncio.Task[Sent]] = []

    for text in texts:
        under_way.append(world.send(text))
        if len(under_way) > 1:
            await under_way[-2]
    await under_way[-1]

    assert [await world.bob_hears() for _ in texts] == texts


async def test_the_next_message_waits_for_the_ack_of_the_one_before(
    world: World,
) -> None:
    world.device.withhold_acks()
    first, second = world.send("first"), world.send("second")
    assert await world.bob_hears() == "first"
    await world.running.worker.ping()
    assert await world.attempt("second") is None

    world.device.release_acks()

    assert (await first).whatsapp_id
    assert (await second).whatsapp_id
    assert await world.bob_hears() == "second"


async def test_what_waits_behind_a_failure_is_not_begun(world: World) -> None:
    world.whatsapp.next_ack_error = 463
    first, second = world.send("first"), world.send("second")

    with pytest.raises(SendRefused):
        await first
    with pytest.raises(NotConnected):
        await second
    assert await world.attempt("first") is not None
    assert await world.attempt("second") is None
    # Whoever has heard of the failure may send again.
    await world.send("third")
    assert await world.bob_hears() == "third"


async def test_after_a_kill_the_store_says_which_was_begun(world: World) -> None:
    world.device.withhold_acks()
    first, second = world.send("first"), world.send("second")
    heard = await world.bob.hears(timeout=TIMEOUT)

    await world.running.worker.kill()

    for sending in (first, second):
        with pytest.raises((WorkerGone, SendUncertain)):
            await sending
    assert await world.attempt("first") == Attempt(whatsapp_id=heard.whatsapp_id)
    assert await world.attempt("second") is None


async def test_a_planned_stop_begins_nothing_that_waits(world: World) -> None:
    world.device.withhold_acks()
    first, second = world.send("first"), world.send("second")
    assert await world.bob_hears() == "first"

    await world.running.worker.stop()

    with pytest.raises((WorkerGone, SendUncertain)):
        await first
    with pytest.raises(NotConnected):
        await second
    assert await world.attempt("second") is None
