"""What a worker asks about people and groups, with unmodified neonize."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from connector.adapters.whatsapp.process import worker_handle
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.domain.addresses import Jid
from connector.domain.chats import ChatColumn, Member, Role
from connector.domain.look_ups import NumberAnswer, PictureAnswer, PictureState
from connector.domain.messages import Person as Somebody
from connector.domain.outgoing import OutgoingMessage, OutgoingText
from connector.domain.presence import Doing, Presence
from connector.errors import LookupRefusal, LookupRefused, NotConnected
from devstack.whatsapp import Group, Person, WhatsApp, queries
from devstack.whatsapp.queries import Query
from tests.contract.linked_number import (
    KEY,
    ROOMY,
    TIMEOUT,
    Number,
    Running,
    zygote_program,
)

pytestmark = pytest.mark.xdist_group("whatsapp-worker")

NOWHERE = Jid.parse("120363000000000404@g.us")


@dataclass(slots=True)
class World:
    whatsapp: WhatsApp
    ana: Person
    bob: Person
    family: Group
    running: Running

    @property
    def worker(self) -> worker_handle.WorkerHandle:
        return self.running.worker


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("questions")
    async with WhatsApp.start(folder / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        family = whatsapp.group("Família", owner=bob, members=[ana])
        with zygote_program(whatsapp.environment) as (zygote, _):
            launcher = WhatsAppLauncher(zygote, folder / "data", [KEY], ROOMY)
            running = await Number(whatsapp, ana, launcher, "session-1").link()
            yield World(whatsapp, ana, bob, family, running)
            await running.worker.stop()
            launcher.close()


@contextlib.contextmanager
def answering(
    subject: tuple[str, str], how: Callable[[Query], None]
) -> Iterator[list[Query]]:
    """Answer one kind of question in WhatsApp's place; what was asked."""
    asked: list[Query] = []
    usual = TABLE[subject]

    def hear(query: Query) -> None:
        asked.append(query)
        how(query)

    TABLE[subject] = hear
    try:
        yield asked
    finally:
        TABLE[subject] = usual


TABLE = queries._TABLE
PICTURE = ("w:profile:picture", "picture")
GROUP = ("w:g2", "query")
NUMBERS = ("usync", "usync")


def address(jid: object) -> Jid:
    return Jid.parse(str(jid))


async def test_a_group_says_its_name_and_its_members(world: World) -> None:
    answer = await world.worker.group_info(address(world.family.jid))

    assert answer.update.chat.jid == address(world.family.jid)
    assert answer.update.columns[ChatColumn.NAME] == "Família"
    assert answer.update.columns[ChatColumn.LEFT] is False
    assert answer.roster.as_of == answer.update.as_of
    assert set(answer.roster.members) == {
        Member(person=both_addresses(world.bob), role=Role.SUPERADMIN),
        Member(person=both_addresses(world.ana), role=Role.MEMBER),
    }


async def test_a_group_that_is_not_ours_is_refused(world: World) -> None:
    others = world.whatsapp.group("Others", owner=world.bob, members=[])

    assert await refusal(world.worker.group_info(NOWHERE)) == LookupRefusal.NOT_FOUND
    asked = world.worker.group_info(address(others.jid))
    assert await refusal(asked) == LookupRefusal.FORBIDDEN


async def test_a_picture_has_an_id_and_an_address(world: World) -> None:
    world.bob.shows_picture(b"\xff\xd8 a jpeg")

    shown = await world.worker.profile_picture(address(world.bob.lid), None)
    again = await world.worker.profile_picture(address(world.bob.lid), shown.picture_id)

    assert shown.state is PictureState.SHOWN
    assert shown.url is not None
    assert shown.url.startswith("https://pps.whatsapp.net/")
    assert again == PictureAnswer(
        state=PictureState.UNCHANGED, picture_id=shown.picture_id
    )


async def test_having_no_picture_and_hiding_it_are_answers(world: World) -> None:
    nothing = await world.worker.profile_picture(address(world.ana.jid), None)
    with answering(PICTURE, lambda query: query.refuse(401, "not-authorized")):
        hidden = await world.worker.profile_picture(address(world.bob.lid), None)

    assert nothing == PictureAnswer(state=PictureState.NONE)
    assert hidden == PictureAnswer(state=PictureState.HIDDEN)


async def test_numbers_are_looked_up_many_at_once(world: World) -> None:
    nobody = "5571900000002"

    found = await world.worker.look_up([world.bob.number, nobody])

    assert list(found) == [
        NumberAnswer(asked=world.bob.number, person=both_addresses(world.bob)),
        NumberAnswer(asked=nobody, person=None),
    ]
    with pytest.raises(ValueError, match="too many"):
        await world.worker.look_up([nobody] * 51)


async def test_a_business_is_named_as_whatsapp_has_verified_it(world: World) -> None:
    world.bob.business_name = "Padaria do Zé"

    [found] = await world.worker.look_up([world.bob.number])

    assert found.business_name == "Padaria do Zé"
    world.bob.business_name = None


@pytest.mark.parametrize("code", [420, 429])
async def test_asking_too_much_is_told_apart(world: World, code: int) -> None:
    def too_much(query: Query) -> None:
        query.refuse(code, "rate-overlimit")

    with answering(GROUP, too_much), answering(NUMBERS, too_much):
        group = await refusal(world.worker.group_info(address(world.family.jid)))
        number = await refusal(world.worker.look_up([world.bob.number]))

    assert (group, number) == (LookupRefusal.RATE_LIMITED,) * 2


async def test_an_unanswered_question_holds_up_nothing_and_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_handle, "QUESTION_SECONDS", 0.5)
    unanswered: asyncio.Queue[Query] = asyncio.Queue()
    with answering(GROUP, unanswered.put_nowait):
        waiting = asyncio.create_task(
            refusal(world.worker.group_info(address(world.family.jid)))
        )
        first = await unanswered.get()
        sent = await world.worker.send(
            address(world.bob.jid),
            OutgoingMessage(content=OutgoingText(text="meanwhile")),
            b"m" * 32,
        )
        await world.worker.ping()

        assert await waiting == LookupRefusal.TIMEOUT
        # It waits behind the first one, until nobody wants to know any more.
        behind = await refusal(world.worker.look_up([world.bob.number]))
        assert behind == LookupRefusal.TIMEOUT
    heard = await world.bob.hears(timeout=TIMEOUT)
    assert heard.whatsapp_id == sent.whatsapp_id
    first.refuse(500, "at last")
    monkeypatch.setattr(worker_handle, "QUESTION_SECONDS", TIMEOUT)
    with answering(NUMBERS, TABLE[NUMBERS]) as asked:
        await world.worker.look_up([world.bob.number])
    assert len(asked) == 1  # the one that was given up was never put


async def test_a_number_that_shows_itself_is_told_who_types(world: World) -> None:
    await shows_itself(world)
    bob = address(world.bob.lid)

    await world.bob.types(world.ana)
    async with asyncio.timeout(TIMEOUT):
        in_private = await world.worker.presences()
    await world.bob.records(world.family)
    async with asyncio.timeout(TIMEOUT):
        in_group = await world.worker.presences()

    assert in_private[-1] == Presence(chat=bob, person=bob, doing=Doing.COMPOSING)
    family = address(world.family.jid)
    assert in_group[-1] == Presence(chat=family, person=bob, doing=Doing.RECORDING)


async def test_a_flood_of_typing_holds_up_nothing(world: World) -> None:
    await shows_itself(world)

    for _ in range(500):
        await world.bob.types(world.ana)
        await world.bob.stops_typing(world.ana)
    sent = await world.worker.send(
        address(world.bob.jid),
        OutgoingMessage(content=OutgoingText(text="still here")),
        b"f" * 32,
    )

    assert (await world.bob.hears(timeout=TIMEOUT)).whatsapp_id == sent.whatsapp_id


async def test_nothing_is_asked_without_a_connection(world: World) -> None:
    """The last one: it takes the connection away."""
    await world.worker.disconnect()

    with pytest.raises(NotConnected):
        await world.worker.group_info(address(world.family.jid))
    with pytest.raises(NotConnected):
        await world.worker.show_online(online=True)


def both_addresses(person: Person) -> Somebody:
    return Somebody(lid=address(person.lid), phone=address(person.jid))


async def shows_itself(world: World) -> None:
    """Possible once the phone has told its name."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            with contextlib.suppress(LookupRefused):
                await world.worker.show_online(online=True)
                break
    [device] = world.ana.linked_devices
    await device.appears_online()


async def refusal(question: object) -> LookupRefusal:
    with pytest.raises(LookupRefused) as refused:
        await question  # type: ignore[misc] # any coroutine
    return refused.value.reason
