"""What the phone's owner saved and set, read from the store that neonize wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.store.saved import SavedStore
from connector.domain.addresses import Jid
from connector.domain.messages import Person as Somebody
from connector.domain.saved import Saved, SavedContact, SavedSettings
from devstack.whatsapp import Person, WhatsApp
from tests.contract.linked_number import KEY, ROOMY, TIMEOUT, Number, zygote_program

pytestmark = pytest.mark.xdist_group("whatsapp-worker")


@dataclass(slots=True)
class World:
    whatsapp: WhatsApp
    ana: Person
    bob: Person
    carla: Person
    state: SavedStore

    async def until(self, holds: Callable[[Saved], bool]) -> Saved:
        """What is saved, once this holds of it; looks whenever the pulse changes."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                pulse = self.state.pulse()
                saved = await self.state.saved()
                if saved is not None and holds(saved):
                    return saved
                while self.state.pulse() == pulse:  # noqa: ASYNC110 - a file's time
                    await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("saved")
    async with WhatsApp.start(folder / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        carla = whatsapp.person("5531976543210", "Carla")
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, folder / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            state = launcher.saved(number.session_id)
            assert await state.saved() is None
            ana.phone.saves_contact(bob, "Bob from work")
            running = await number.link()
            world = World(whatsapp, ana, bob, carla, state)
            # What the phone holds comes after the linking, piece by piece.
            await world.until(lambda saved: bool(saved.contacts and saved.push_name))
            yield world
            await running.worker.stop()
            launcher.close()


async def test_what_was_there_before_the_linking_is_found(world: World) -> None:
    saved = await world.until(lambda saved: bool(saved.contacts))

    assert saved.push_name == "Ana"
    phone = Jid.parse(str(world.bob.jid))
    assert saved.contacts == (contact(Somebody(phone=phone), "Bob from work"),)

    await world.bob.says(world.ana, "oi")  # which tells WhatsApp's other address of him
    lid = Jid.parse(str(world.bob.lid))
    known = await world.until(lambda saved: saved.contacts[0].person.lid is not None)
    assert known.contacts == (contact(Somebody(lid=lid, phone=phone), "Bob from work"),)


async def test_a_contact_is_saved_renamed_and_removed(world: World) -> None:
    world.ana.phone.saves_contact(world.carla, "Carla Before")
    await world.until(lambda saved: names(saved).get(world.carla.jid.user) is not None)
    world.ana.phone.saves_contact(world.carla, "Carla After")
    renamed = await world.until(
        lambda saved: names(saved).get(world.carla.jid.user) == "Carla After"
    )
    assert [one.saved_name for one in renamed.contacts if one.is_removed] == []

    world.ana.phone.removes_contact(world.carla)
    left = await world.until(lambda saved: names(saved)[world.carla.jid.user] is None)

    assert {one.key: one.is_removed for one in left.contacts} == {
        str(world.bob.jid): False,
        str(world.carla.jid): True,
    }


async def test_settings_of_chats_are_read_whatever_they_are_addressed_by(
    world: World,
) -> None:
    family = world.whatsapp.group("Família", world.ana, [world.bob])
    phone = world.ana.phone

    phone.archives(world.bob, addressing="pn")
    phone.mutes(world.carla)
    phone.pins(family)
    saved = await world.until(lambda saved: len(saved.chats) == 3)

    found = {str(one.chat.jid): one for one in saved.chats}
    assert flags(found[str(world.bob.lid)]) == (True, False, None)
    assert found[str(world.bob.lid)].chat.alias == Jid.parse(str(world.bob.jid))
    assert flags(found[str(world.carla.lid)]) == (False, False, "infinity")
    assert flags(found[str(family.jid)]) == (False, True, None)

    phone.unmutes(world.carla)
    await world.until(lambda saved: all(one.muted_until is None for one in saved.chats))


async def test_the_version_changes_with_the_settings_only(world: World) -> None:
    before, pulse = await world.state.version(), world.state.pulse()

    world.ana.phone.saves_contact(world.bob, "Bob again")
    await world.until(lambda saved: names(saved).get(world.bob.jid.user) == "Bob again")

    assert await world.state.version() != before
    assert world.state.pulse() != pulse


def contact(person: Somebody, name: str) -> SavedContact:
    return SavedContact(
        key=str(person.phone), person=person, saved_name=name, business_name=None
    )


def names(saved: Saved) -> dict[str, str | None]:
    return {one.key.partition("@")[0]: one.saved_name for one in saved.contacts}


def flags(settings: SavedSettings) -> tuple[bool, bool, str | None]:
    return settings.archived, settings.pinned, settings.muted_until
