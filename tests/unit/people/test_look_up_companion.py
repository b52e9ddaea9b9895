"""What is asked about groups and pictures, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from structlog.testing import capture_logs

from connector.domain.addresses import Jid
from connector.domain.chats import (
    Aspect,
    ChatColumn,
    ChatUpdate,
    Roster,
    Stale,
)
from connector.domain.look_ups import GroupAnswer, PictureAnswer, PictureState
from connector.domain.messages import Chat, ChatKind
from connector.errors import (
    FetchFailed,
    InputRefused,
    LookupRefusal,
    LookupRefused,
    NotConnected,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.people.look_ups import LOOK_ANYWAY, LookUps
from connector.people.pictures import Pictures, picture_path
from connector.ports import DueLookup, Worker
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import NOON, ManualClock, settle
from tests.fakes.people import Beside, MemoryFiles, MemoryPeople
from tests.fakes.sending import MemoryIntake
from tests.fakes.supabase import ANA

FAMILY = Jid.parse("120363000000000001@g.us")
BOB = Jid.parse("222000222000222@lid")
BOBS_PATH = "w1/ana/avatars/owner-222000222000222/7.jpg"


def due(
    jid: Jid, aspect: Aspect = Aspect.PICTURE, known: str | None = None
) -> DueLookup:
    return DueLookup(
        aspect=aspect,
        jid=jid,
        picture_id=known,
        owner_id=f"owner-{jid.user}",
        workspace_id="w1",
    )


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    intake: MemoryIntake = field(default_factory=MemoryIntake)
    worker: AskedWorker = field(default_factory=AskedWorker)

    def __post_init__(self) -> None:
        self.context = Beside(cast("Worker", self.worker))
        self.look_ups = LookUps(
            people=self.people,
            intake=self.intake,
            pictures=Pictures(people=self.people, source=self.files, files=self.files),
            clock=self.clock,
            chance=lambda: 0.5,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.look_ups.run(self.context))
        await settle()
        yield
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})

    def shows(self, jid: Jid, picture_id: str) -> None:
        url = f"https://pps.whatsapp.net/{picture_id}"
        self.worker.pictures[jid] = PictureAnswer(
            state=PictureState.SHOWN, picture_id=picture_id, url=url
        )

    def knows(self, jid: Jid) -> GroupAnswer:
        chat = Chat(jid=jid, kind=ChatKind.GROUP)
        answer = GroupAnswer(
            update=ChatUpdate(
                chat=chat, as_of=NOON, columns={ChatColumn.NAME: "Família"}
            ),
            roster=Roster(chat=chat, members=(), as_of=NOON),
        )
        self.worker.groups[jid] = answer
        return answer


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_due_group_is_asked_for_and_stored(scene: Scene) -> None:
    answer = scene.knows(FAMILY)
    scene.people.waiting.append(due(FAMILY, Aspect.GROUP))

    async with scene.running():
        assert scene.intake.stored == [answer.update, answer.roster]


@pytest.mark.parametrize("reason", [LookupRefusal.NOT_FOUND, LookupRefusal.FORBIDDEN])
async def test_a_group_that_is_not_ours_any_more_was_left(
    scene: Scene, reason: LookupRefusal
) -> None:
    scene.worker.refuses.append(LookupRefused(reason))
    scene.people.waiting.append(due(FAMILY, Aspect.GROUP))

    async with scene.running():
        [update] = scene.intake.stored

    assert isinstance(update, ChatUpdate)
    assert update.columns == {ChatColumn.LEFT: True}


async def test_a_picture_is_kept_and_the_one_before_removed(scene: Scene) -> None:
    scene.shows(BOB, "7")
    scene.people.waiting.append(due(BOB))
    async with scene.running():
        assert scene.files.kept == {BOBS_PATH: b"https://pps.whatsapp.net/7"}

        scene.shows(BOB, "8")
        scene.people.waiting.append(due(BOB, known="7"))
        await scene.clock.advance(LOOK_ANYWAY.total_seconds())

    assert list(scene.files.kept) == [BOBS_PATH.replace("7.jpg", "8.jpg")]
    assert scene.people.recorded[BOB][0] == "8"


async def test_no_picture_is_remembered(scene: Scene) -> None:
    scene.people.waiting.append(due(BOB))

    async with scene.running():
        assert scene.people.recorded == {BOB: ("", None)}
    assert scene.files.kept == {}


@pytest.mark.parametrize("state", [PictureState.HIDDEN, PictureState.UNCHANGED])
async def test_a_picture_that_says_nothing_new_stays(
    scene: Scene, state: PictureState
) -> None:
    scene.worker.pictures[BOB] = PictureAnswer(state=state)
    scene.people.waiting.append(due(BOB, known="7"))

    async with scene.running():
        assert scene.people.recorded == {BOB: (None, None)}


async def test_one_question_is_asked_at_a_time_with_gaps(scene: Scene) -> None:
    scene.people.waiting += [due(Jid(str(n), "lid")) for n in range(1, 6)]

    async with scene.running():
        assert len(scene.worker.asked) == 1
        await scene.clock.advance(2.5)
        assert len(scene.worker.asked) == 3
        await scene.clock.advance(10)

    assert len(scene.worker.asked) == 5
    assert scene.worker.most_at_once == 1


async def test_asking_too_much_ends_the_asking_for_ten_minutes(scene: Scene) -> None:
    scene.worker.refuses.append(LookupRefused(LookupRefusal.RATE_LIMITED))
    scene.people.waiting += [due(Jid(str(n), "lid")) for n in range(1, 4)]

    async with scene.running():
        await scene.clock.advance(599)
        assert len(scene.worker.asked) == 1
        await scene.clock.advance(10)

    assert len(scene.worker.asked) == 3


async def test_what_cannot_be_had_lets_others_go_on(scene: Scene) -> None:
    scene.files.failures.append(FetchFailed())
    scene.shows(BOB, "7")
    other = Jid.parse("333@lid")
    scene.people.waiting += [due(BOB), due(other)]

    async with scene.running():
        await scene.clock.advance(120)

    assert scene.worker.asked == [f"picture {BOB}", f"picture {other}"]
    assert other in scene.people.recorded


async def test_what_postgres_refuses_lets_others_go_on(scene: Scene) -> None:
    scene.knows(FAMILY)
    scene.intake.failures.append(InputRefused())
    scene.people.waiting += [due(FAMILY, Aspect.GROUP), due(BOB)]

    async with scene.running():
        await scene.clock.advance(5)

    assert BOB in scene.people.recorded


async def test_news_are_asked_for_at_once(scene: Scene) -> None:
    async with scene.running():
        scene.people.waiting.append(due(BOB))
        await scene.clock.advance(1)
        assert scene.worker.asked == []

        stale = Stale(jid=BOB, aspect=Aspect.PICTURE, as_of=NOON)
        scene.look_ups.heard(scene.context.session_id, [stale])
        await settle()

        assert scene.worker.asked == [f"picture {BOB}"]


async def test_nothing_is_asked_while_not_connected(scene: Scene) -> None:
    worker, scene.context.online = scene.context.online, None
    scene.people.waiting.append(due(BOB))

    async with scene.running():
        await scene.clock.advance(300)
        assert (scene.worker.asked, scene.people.looks) == ([], 0)
        scene.context.comes_back(cast("Worker", worker))
        await settle()

    assert scene.worker.asked == [f"picture {BOB}"]


async def test_what_was_handed_out_is_asked_after_a_break(scene: Scene) -> None:
    worker = scene.context.online
    scene.people.waiting += [due(Jid(str(n), "lid")) for n in range(1, 6)]

    async with scene.running():
        await scene.clock.advance(1.5)
        scene.context.online = None
        await scene.clock.advance(60)
        assert len(scene.worker.asked) == 2
        scene.context.comes_back(cast("Worker", worker))
        await scene.clock.advance(10)

    assert len(scene.worker.asked) == 5


async def test_a_bucket_that_refuses_stops_no_group(scene: Scene) -> None:
    answer = scene.knows(FAMILY)
    scene.shows(BOB, "7")
    scene.files.failures.append(SupabaseRefused())
    scene.people.waiting += [due(BOB), due(FAMILY, Aspect.GROUP)]

    async with scene.running():
        await scene.clock.advance(30)

    assert scene.intake.stored == [answer.update, answer.roster]


async def test_who_is_refused_whatever_is_asked_does_not_say_so_each_time(
    scene: Scene,
) -> None:
    scene.people.failures += [SupabaseRefused()] * 20
    with capture_logs() as logs:
        async with scene.running():
            await scene.clock.advance(60)

    assert scene.people.looks > 5
    assert logs == []


@pytest.mark.parametrize("error", [NotConnected(), SupabaseUnavailable()])
async def test_a_lost_connection_only_delays(
    scene: Scene, error: NotConnected | SupabaseUnavailable
) -> None:
    if isinstance(error, NotConnected):
        scene.worker.refuses.append(error)
    else:
        scene.people.failures.append(error)
    scene.people.waiting.append(due(BOB))

    async with scene.running():
        await scene.clock.advance(LOOK_ANYWAY.total_seconds())

    assert BOB in scene.people.recorded


@pytest.mark.parametrize("picture_id", ["../../secret", "a/b", "x" * 65, "", "é"])
def test_a_pictures_id_is_no_path(picture_id: str) -> None:
    path = picture_path(ANA, due(BOB), picture_id)

    folder, _, name = path.rpartition("/")
    assert folder == "w1/ana/avatars/owner-222000222000222"
    assert name.removesuffix(".jpg").isalnum()
    assert ".." not in path
