"""Whose turn it is to log in: by cancellation and by failure no turn is ever lost."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from connector.domain.login_ramp import Ramp, TurnOutcome
from connector.sessions.login_gate import LoginGate
from tests.fakes.clock import settle


@dataclass
class Crowd:
    """Numbers that wait at one gate; each has its turn until a test ends it."""

    gate: LoginGate
    came: list[str] = field(default_factory=list)
    waiting: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[str, asyncio.Future[TurnOutcome]] = field(default_factory=dict)

    def come(self, *names: str, by_person: bool = False) -> None:
        for name in names:
            self.ends[name] = asyncio.get_running_loop().create_future()
            turn = self._turn(name, by_person)
            self.waiting[name] = asyncio.create_task(turn)

    async def _turn(self, name: str, by_person: bool) -> None:  # noqa: FBT001 - one caller
        async with self.gate.turn(asked_by_person=by_person):
            self.came.append(name)
            self.gate.ended(await self.ends[name])

    async def end(
        self, *names: str, outcome: TurnOutcome = TurnOutcome.NEITHER
    ) -> None:
        for name in names:
            self.ends[name].set_result(outcome)
            await settle()

    async def leave(self, *names: str) -> None:
        for name in names:
            self.waiting[name].cancel()
        await asyncio.gather(
            *(self.waiting[name] for name in names), return_exceptions=True
        )
        await settle()


@pytest.fixture
async def crowd() -> Crowd:
    return Crowd(LoginGate(Ramp(most=4)))


async def test_few_at_once_and_the_others_in_the_order_they_came(crowd: Crowd) -> None:
    crowd.come("a", "b", "c", "d")
    await settle()
    assert crowd.came == ["a", "b"]
    assert (crowd.gate.under_way, crowd.gate.waiting) == (2, 2)

    await crowd.end("b", "a", "c", "d")

    assert crowd.came == ["a", "b", "c", "d"]
    assert (crowd.gate.under_way, crowd.gate.waiting) == (0, 0)


async def test_whoever_a_person_waits_for_comes_first(crowd: Crowd) -> None:
    crowd.come("a", "b", "c", "d")
    crowd.come("asked", by_person=True)
    await settle()

    await crowd.end("a", "b", "asked")

    assert crowd.came == ["a", "b", "asked", "c", "d"]


async def test_more_are_let_in_as_logins_succeed_and_fewer_when_they_fail(
    crowd: Crowd,
) -> None:
    crowd.come(*"abcdefghijkl")
    await settle()

    await crowd.end("a", "b", outcome=TurnOutcome.ANSWERED)
    assert crowd.came == list("abcde")
    await crowd.end("c", "d", outcome=TurnOutcome.FAILED)

    assert crowd.gate.under_way == 2


async def test_a_holder_that_dies_gives_its_turn_back(crowd: Crowd) -> None:
    crowd.come("a", "b", "c", "d")
    await settle()

    crowd.ends["a"].set_exception(OSError("it fell"))
    await settle()
    await crowd.leave("b")

    assert crowd.came == ["a", "b", "c", "d"]
    await asyncio.gather(crowd.waiting["a"], return_exceptions=True)


async def test_who_goes_before_their_turn_keeps_nobody_waiting(crowd: Crowd) -> None:
    crowd.come("a", "b", "c", "d", "e")
    await settle()

    await crowd.leave("c", "d")
    assert crowd.gate.waiting == 1
    await crowd.end("a", "b", "e")

    assert crowd.came == ["a", "b", "e"]
    assert (crowd.gate.under_way, crowd.gate.waiting) == (0, 0)


async def test_who_goes_at_the_moment_they_are_let_in_gives_the_turn_back(
    crowd: Crowd,
) -> None:
    crowd.come("a", "b", "c", "d")
    await settle()

    crowd.waiting["a"].cancel()
    await asyncio.sleep(0)  # `a` has left, `c` is let in and has not noticed yet
    await crowd.leave("c")

    assert crowd.came == ["a", "b", "d"]
    assert crowd.gate.under_way == 2


@pytest.mark.parametrize("seed", range(20))
async def test_in_no_crowd_is_a_turn_lost(crowd: Crowd, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same crowd each time
    names = [f"number {n}" for n in range(30)]
    for name in names:
        crowd.come(name, by_person=chance.random() < 0.2)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        victim = chance.choice(list(crowd.waiting))
        if chance.random() < 0.4:
            crowd.waiting[victim].cancel()
        elif not crowd.ends[victim].done():
            crowd.ends[victim].set_result(chance.choice(list(TurnOutcome)))
        assert crowd.gate.under_way <= 4

    for end in crowd.ends.values():
        if not end.done():
            end.set_result(TurnOutcome.NEITHER)
    await asyncio.gather(*crowd.waiting.values(), return_exceptions=True)

    assert (crowd.gate.under_way, crowd.gate.waiting) == (0, 0)
