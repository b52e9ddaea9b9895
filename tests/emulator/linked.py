"""A person with a real client linked to their number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.whatsapp import LinkedDevice, Person, WhatsApp
from tests.emulator.client import Client, Neonize, running_client
from tests.emulator.eventually import eventually


@dataclass(slots=True)
class Linked:
    person: Person
    device: LinkedDevice
    client: Client
    store: Path


@asynccontextmanager
async def linked(
    whatsapp: WhatsApp, person: Person, folder: Path
) -> AsyncIterator[Linked]:
    """Link a new client by QR and wait until it has taken its phone's first messages.

    Busy with those, it may see the end of a connection before the reason.
    """
    store = folder / "store.db"
    async with running_client(whatsapp.environment, store) as client:
        device = await person.phone.scans(await client.qr())
        await client.event(Neonize.Connected)
        await device.has_everything()
        yield Linked(person, device, client, store)


@asynccontextmanager
async def resumed(whatsapp: WhatsApp, before: Linked) -> AsyncIterator[Client]:
    """Start a client anew with what the one before it remembered."""
    async with running_client(whatsapp.environment, before.store) as client:
        before.client = client
        yield client


async def appears_online(linked: Linked) -> None:
    """neonize refuses that until it has its own name from the phone."""
    await eventually(lambda: linked.client.call("get_me"), lambda me: me.PushName)
    await linked.client.call("come_online")
    await linked.device.appears_online()
