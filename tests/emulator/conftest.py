from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.linked import Linked, linked
from tests.emulator.long_waits import LongWaits, begun

NUMBERS = itertools.count(10_000_000)


@pytest.fixture(scope="session")
async def whatsapp(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[WhatsApp]:
    """One WhatsApp for all; it must understand all that neonize says to it."""
    async with WhatsApp.start(tmp_path_factory.mktemp("whatsapp")) as whatsapp:
        yield whatsapp
        assert [stanza.xml() for stanza in whatsapp.unanswered] == []
        assert whatsapp.escaped == []


@pytest.fixture(scope="session", autouse=True)
async def long_waits(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LongWaits | None]:
    """Begun before any test when some test will ask for it."""
    if not any(item.path.stem == "test_waiting" for item in request.session.items):
        yield None
        return
    async with begun(tmp_path_factory.mktemp("long_waits")) as waits:
        yield waits


@pytest.fixture(scope="session")
def bob(whatsapp: WhatsApp) -> Person:
    return whatsapp.person("5521987654321", "Bob")


@pytest.fixture(scope="session")
def carla(whatsapp: WhatsApp) -> Person:
    return whatsapp.person("5531976543210", "Carla")


@pytest.fixture(scope="session")
async def linked_ana(
    whatsapp: WhatsApp, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Linked]:
    person = whatsapp.person("5511912345678", "Ana")
    async with linked(whatsapp, person, tmp_path_factory.mktemp("ana")) as ana:
        yield ana


@pytest.fixture(scope="session")
def family(whatsapp: WhatsApp, linked_ana: Linked, bob: Person, carla: Person) -> Group:
    return whatsapp.group("Família", owner=bob, members=[linked_ana.person, carla])


@pytest.fixture
async def ana(linked_ana: Linked) -> Linked:
    """Shared: a test that ends her connection must bring it back.

    What an earlier test left unread is forgotten: nobody may take it for an answer.
    """
    await linked_ana.device.has_everything()
    linked_ana.client.forget()
    return linked_ana


@pytest.fixture
def friend(whatsapp: WhatsApp) -> Person:
    """Somebody who has heard nothing yet."""
    return whatsapp.person(f"55429{next(NUMBERS)}", "Friend")


@pytest.fixture
async def dora(whatsapp: WhatsApp, tmp_path: Path) -> AsyncIterator[Linked]:
    """Somebody just linked whom a test may lose."""
    person = whatsapp.person(f"55419{next(NUMBERS)}", "Dora")
    async with linked(whatsapp, person, tmp_path) as dora:
        yield dora
