"""When a number's keys are saved, and what delays it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from connector.errors import (
    LeaseLost,
    StateUnreadable,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import DeviceStates, LocalState, SessionContext
from connector.sealed_state import StateSeal
from connector.sessions.held_lease import HeldLease
from connector.sessions.kept_state import KeptState
from connector.sessions.state_keeper import StateKeeper
from tests.fakes.clock import ManualClock, settle
from tests.fakes.supabase import ANA, MemoryLeases, wanted


@dataclass
class Kept:
    """A session's state of which only what is asked of it matters."""

    pulse_now: int = 0
    is_settled: bool = True
    copying_took: float = 0.0
    saved_at: list[float] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    brought: int = 0
    clock: ManualClock = field(default_factory=ManualClock)

    @property
    def local(self) -> Kept:
        return self

    def pulse(self) -> object:
        return self.pulse_now

    async def save(self, term: int, saving: object) -> int:
        if self.failures:
            raise self.failures.pop(0)
        self.saved_at.append(self.clock.monotonic())
        return 1

    async def bring(self, term: int) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.brought += 1
        self.is_settled = True

    async def discard(self) -> None:
        self.is_settled = True

    async def forget(self, term: int) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def unsettle(self) -> None:
        self.is_settled = False


@dataclass
class Context:
    session_id: str = ANA
    term: int = 1


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def keeper(kept: Kept) -> StateKeeper:
    keeper = StateKeeper(
        states=cast("DeviceStates", None),
        local=lambda _: cast("LocalState", None),
        seal=lambda session_id: StateSeal.of(session_id, [bytes(32)]),
        clock=kept.clock,
        chance=lambda: 0.5,
    )
    keeper._kept[ANA] = cast("KeptState", kept)
    return keeper


@pytest.fixture
async def held(kept: Kept) -> HeldLease:
    leases = MemoryLeases(kept.clock)
    leases.want(wanted())
    (lease,) = (await leases.claim([], 1)).leases
    return HeldLease(lease, kept.clock, ask_now=lambda: None)


@asynccontextmanager
async def keeping(keeper: StateKeeper) -> AsyncIterator[None]:
    running = asyncio.create_task(keeper.run(cast("SessionContext", Context())))
    await settle()
    yield
    running.cancel()
    await asyncio.wait({running})


async def test_a_change_is_saved_within_two_seconds_however_many_there_are(
    keeper: StateKeeper, kept: Kept
) -> None:
    async with keeping(keeper):
        for _ in range(100):
            kept.pulse_now += 1
            await kept.clock.advance(0.1)

    gaps = [b - a for a, b in zip(kept.saved_at, kept.saved_at[1:], strict=False)]
    assert kept.saved_at[0] <= 1.0
    assert all(1.0 <= gap <= 1.6 for gap in gaps)


async def test_what_did_not_change_is_not_saved_again(
    keeper: StateKeeper, kept: Kept
) -> None:
    async with keeping(keeper):
        await kept.clock.advance(60.0)

    assert len(kept.saved_at) == 1


async def test_large_stores_are_copied_less_often(
    keeper: StateKeeper, kept: Kept
) -> None:
    kept.copying_took = 0.5
    async with keeping(keeper):
        for _ in range(30):
            kept.pulse_now += 1
            await kept.clock.advance(1.0)

    assert len(kept.saved_at) == 6


@pytest.mark.parametrize(
    "failure",
    [SupabaseUnavailable(), SupabaseRefused(), OSError(), sqlite3.OperationalError()],
)
async def test_what_could_not_be_saved_is_saved_later_and_ends_nothing(
    keeper: StateKeeper, kept: Kept, failure: Exception
) -> None:
    kept.failures = [failure] * 5
    async with keeping(keeper):
        await kept.clock.advance(60.0)

    assert len(kept.saved_at) == 1


async def test_nothing_is_saved_while_it_is_not_settled_what_runs_here(
    keeper: StateKeeper, kept: Kept
) -> None:
    kept.is_settled = False
    async with keeping(keeper):
        await kept.clock.advance(10.0)
    await keeper.save_last(ANA, 1)

    assert kept.saved_at == []


async def test_settling_is_tried_until_supabase_answers(
    keeper: StateKeeper, kept: Kept, held: HeldLease
) -> None:
    kept.is_settled = False
    kept.failures = [SupabaseUnavailable(), OSError()]
    settling = asyncio.create_task(keeper.settle(held))
    await kept.clock.advance(10.0)
    await settling
    await keeper.settle_once(held)

    assert kept.brought == 1


async def test_keys_that_do_not_open_are_not_tried_in_circles(
    keeper: StateKeeper, kept: Kept, held: HeldLease
) -> None:
    kept.is_settled = False
    kept.failures = [StateUnreadable()]

    await keeper.settle(held)

    assert kept.brought == 0


async def test_a_refused_term_is_doubted_and_waited_for(
    keeper: StateKeeper, kept: Kept, held: HeldLease
) -> None:
    kept.is_settled = False
    kept.failures = [LeaseLost()]
    settling = asyncio.create_task(keeper.settle(held))
    await settle()

    assert not held.trusted
    held.renew(held._lease)
    await settling
    assert kept.brought == 1


async def test_what_could_not_be_forgotten_is_settled_anew_before_a_launch(
    keeper: StateKeeper, kept: Kept, held: HeldLease
) -> None:
    kept.failures = [SupabaseUnavailable()]
    await keeper.discard(ANA, 1)
    assert not kept.is_settled

    await keeper.settle_once(held)

    assert kept.brought == 1


async def test_the_last_save_is_tried_until_it_is_done_or_no_longer_ours(
    keeper: StateKeeper, kept: Kept
) -> None:
    kept.failures = [SupabaseUnavailable(), SupabaseUnavailable()]
    saving = asyncio.create_task(keeper.save_last(ANA, 1))
    await kept.clock.advance(20.0)
    await saving
    kept.failures = [LeaseLost()]
    await keeper.save_last(ANA, 1)

    assert len(kept.saved_at) == 1
