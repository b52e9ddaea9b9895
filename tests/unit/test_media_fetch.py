"""Fetching files: few at once, given back when it stops, patient with Supabase."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from connector.domain.addresses import Jid
from connector.domain.media import FileState
from connector.domain.messages import (
    Attachment,
    Chat,
    ChatKind,
    Message,
    Person,
    Source,
    Status,
)
from connector.errors import (
    FetchFailed,
    InputRefused,
    LeaseLost,
    MediaExpired,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ingestion.media_fetch import (
    LOOK_ANYWAY,
    UPLOADS_IN_A_ROW,
    MediaFetching,
    WakingIntake,
)
from connector.ports import SessionContext, SessionId
from tests.fakes.clock import NOON, ManualClock, settle, turns_until
from tests.fakes.media import MemoryQueue, MemorySource, MemoryStore, claimed
from tests.fakes.sending import MemoryIntake

SESSION = SessionId("s1")


@dataclass(frozen=True)
class Context:
    session_id: SessionId = SESSION
    term: int = 7


@dataclass
class Stage:
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    source: MemorySource = field(default_factory=MemorySource)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.fetching = MediaFetching(
            source=self.source,
            store=self.store,
            queue=self.queue,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def has(self, *names: str) -> None:
        self.queue.waiting.extend(claimed(name) for name in names)

    @asynccontextmanager
    async def running(
        self, session_id: SessionId = SESSION
    ) -> AsyncIterator[asyncio.Task[None]]:
        context = cast("SessionContext", Context(session_id))
        task = asyncio.create_task(self.fetching.run(context))
        await settle()
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


def states(stage: Stage) -> dict[str, FileState]:
    return {result.id: result.state for result in stage.queue.results}


async def test_two_files_of_a_session_are_fetched_at_once() -> None:
    stage = Stage()
    stage.has("a", "b", "c")

    async with stage.running():
        assert stage.source.fetching == {"a", "b"}
        stage.source.go_on.set()
        await turns_until(lambda: len(stage.queue.results) == 3)

    assert set(states(stage).values()) == {FileState.STORED}
    assert sorted(stage.source.forgotten) == ["a", "b", "c"]
    assert stage.store.stored["w1/s1/2026/01/a.jpg"] == "image/jpeg"


async def test_four_files_of_all_sessions_are_fetched_at_once() -> None:
    stage = Stage()
    stage.has(*"abcdefghijkl")

    async with (
        stage.running(SessionId("s1")),
        stage.running(SessionId("s2")),
        stage.running(SessionId("s3")),
    ):
        assert len(stage.source.fetching) == 4
        stage.source.go_on.set()
        await turns_until(lambda: len(stage.queue.results) == 12)


async def test_what_is_not_done_is_given_back_uncounted() -> None:
    stage = Stage()
    stage.has("a", "b")

    async with stage.running():
        pass

    assert [(one.state, one.begun) for one in stage.queue.results] == [
        (FileState.PENDING, False)
    ] * 2
    assert stage.source.forgotten == []


async def test_new_messages_wake_it() -> None:
    stage = Stage()
    intake = WakingIntake(MemoryIntake(), stage.fetching.wake)

    async with stage.running():
        stage.has("a")
        await intake.store(SESSION, 7, [message(attachment=None)])
        await settle()
        assert stage.source.fetching == set()
        await intake.store(SESSION, 7, [message(attachment=A_FILE)])
        await settle()
        assert stage.source.fetching == {"a"}


async def test_it_looks_by_itself_for_what_is_due_again() -> None:
    stage = Stage()
    stage.source.failures["a"] = FetchFailed()
    stage.source.go_on.set()
    stage.has("a")

    async with stage.running():
        (failed,) = stage.queue.results
        assert failed.retry_after == timedelta(seconds=1)
        looks = stage.queue.claims
        await stage.clock.advance(1)
        assert stage.queue.claims == looks + 1
        await stage.clock.advance(LOOK_ANYWAY.total_seconds())
        assert stage.queue.claims == looks + 2


async def test_an_ended_file_is_not_kept() -> None:
    stage = Stage()
    stage.source.failures["a"] = MediaExpired()
    stage.source.go_on.set()
    stage.has("a")

    async with stage.running():
        assert states(stage) == {"a": FileState.EXPIRED}
        assert stage.source.forgotten == ["a"]


@pytest.mark.parametrize("away", [SupabaseUnavailable, SupabaseRefused])
async def test_storage_away_for_a_while_is_waited_for(
    away: type[SupabaseRefused | SupabaseUnavailable],
) -> None:
    stage = Stage()
    stage.store.failures.extend(away() for _ in range(3))
    stage.source.go_on.set()
    stage.has("a")

    async with stage.running():
        await stage.clock.advance(7)

    assert states(stage) == {"a": FileState.STORED}


async def test_storage_away_for_long_lets_the_next_file_try() -> None:
    stage = Stage()
    stage.store.failures.extend(SupabaseUnavailable() for _ in range(UPLOADS_IN_A_ROW))
    stage.source.go_on.set()
    stage.has("a")

    async with stage.running():
        await stage.clock.advance(7)
        [shown] = stage.queue.results
        assert (shown.state, shown.error_code) == (FileState.PENDING, "upload_failed")
        assert shown.held
        await stage.clock.advance(120)

    [_, result] = stage.queue.results
    assert (result.state, result.error_code) == (FileState.PENDING, "upload_failed")
    assert stage.source.forgotten == []  # no second download


async def test_a_file_that_storage_refuses_is_given_up_alone() -> None:
    stage = Stage()
    stage.store.failures.append(InputRefused())
    stage.source.go_on.set()
    stage.has("a", "b")

    async with stage.running():
        await settle()

    assert states(stage) == {"a": FileState.FAILED, "b": FileState.STORED}


async def test_a_file_that_breaks_us_does_not_break_the_others() -> None:
    stage = Stage()
    stage.source.failures["a"] = ZeroDivisionError("our mistake")
    stage.source.go_on.set()
    stage.has("a", "b")

    async with stage.running():
        await settle()

    assert states(stage) == {"a": FileState.PENDING, "b": FileState.STORED}


async def test_supabase_away_is_asked_until_it_answers() -> None:
    stage = Stage()
    stage.queue.failures.extend([SupabaseUnavailable(), SupabaseRefused()])
    stage.has("a")

    async with stage.running():
        assert stage.source.fetching == set()
        await stage.clock.advance(5)
        assert stage.source.fetching == {"a"}


async def test_a_lost_lease_ends_it() -> None:
    stage = Stage()
    stage.queue.failures.append(LeaseLost())

    async with stage.running() as task:
        with pytest.raises(LeaseLost):
            await task


async def test_a_full_disk_begins_nothing() -> None:
    stage = Stage()
    stage.source.room = False
    stage.has("a")

    async with stage.running():
        assert stage.queue.claims == 0
        stage.source.room = True
        await stage.clock.advance(LOOK_ANYWAY.total_seconds())
        assert stage.source.fetching == {"a"}


async def test_what_is_in_hand_is_not_begun_again() -> None:
    """A claim may run out while Storage is away."""
    stage = Stage()
    stage.has("a")

    async with stage.running():
        stage.has("a")
        stage.fetching.wake(SESSION)
        await settle()
        stage.source.go_on.set()
        await settle()

    assert [result.id for result in stage.queue.results] == ["a"]


async def test_leftovers_are_swept_once_an_hour() -> None:
    stage = Stage()

    async with stage.running():
        pass
    async with stage.running():
        assert stage.source.swept == 1
    await stage.clock.advance(3601)
    async with stage.running():
        assert stage.source.swept == 2


BOB = Person(phone=Jid.of_phone("5521987654321"))
A_FILE = Attachment(
    media_type="image",
    direct_path="/v?x",
    media_key=bytes(32),
    file_sha256=bytes(32),
    file_enc_sha256=bytes(32),
)


def message(attachment: Attachment | None) -> Message:
    return Message(
        whatsapp_id="3EB0",
        chat=Chat(jid=BOB.jid, kind=ChatKind.DIRECT),
        from_me=False,
        sender=BOB,
        sender_name=None,
        kind="image",
        body=None,
        sent_at=NOON,
        source=Source.LIVE,
        status=Status.DELIVERED,
        attachment=attachment,
    )
