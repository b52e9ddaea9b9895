"""Round after round; every so often all comes to rest, and is judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Self

from tests.chaos.blows import Blow, Striker
from tests.chaos.disturbances import Disturbance, draw
from tests.chaos.judging import Judge, Verdict
from tests.chaos.resting import Resting
from tests.chaos.scene import Scene
from tests.chaos.traffic import Traffic

REST: Final = (0.2, 2.0)  # seconds between two rounds
FIRST_WORDS: Final = 1.0  # before the first round: all are talking then


@dataclass(slots=True)
class Chaos:
    """`plan`: these instead of what the seed draws; for a story that is always the same."""

    scene: Scene
    seed: str
    judge: Judge
    striker: Striker
    plan: Sequence[Sequence[Disturbance]] = ()
    blows: list[Blow] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls,
        directory: Path,
        seed: str,
        *,
        numbers: int,
        plan: Sequence[Sequence[Disturbance]] = (),
    ) -> AsyncIterator[Self]:
        async with Scene.set_up(directory, numbers) as scene:
            striker = Striker(scene)
            try:
                yield cls(scene, seed, Judge(scene), striker, plan)
            finally:
                await striker.close()

    @property
    def is_clean(self) -> bool:
        return all(verdict.is_clean for verdict in self.verdicts)

    def drawn(self, number: int) -> Sequence[Disturbance]:
        """What is broken in this round, counted from 1."""
        if self.plan:
            return self.plan[(number - 1) % len(self.plan)]
        return draw(self._chance(number), len(self.scene.numbers))

    def _chance(self, *of: object) -> Random:
        return Random("/".join(map(str, (self.seed, *of))))  # noqa: S311 - seeded on purpose

    async def epoch(self, first: int, rounds: int) -> Verdict:
        """So many rounds under traffic, then rest and judgement."""
        begun = time.time()
        traffic = [
            Traffic(
                number.linked,
                number.company,
                number.stock,
                self._chance("traffic", first, place),
                f"epoch {first} text",
            )
            for place, number in enumerate(self.scene.numbers)
        ]
        flowing = asyncio.gather(*(each.run() for each in traffic))
        try:
            await asyncio.sleep(FIRST_WORDS)
            blows = await self._rounds(first, rounds, flowing)
        finally:
            flowing.cancel()
            with suppress(asyncio.CancelledError):
                await flowing
        faults = [fault for blow in blows for fault in blow.faults]
        faults += await Resting(self.scene, traffic).come_to_rest()
        verdict = await self.judge.look(traffic, blows, (begun, time.time()))
        verdict.faults += faults
        self.verdicts.append(verdict)
        return verdict

    async def _rounds(
        self, first: int, rounds: int, flowing: asyncio.Future[list[None]]
    ) -> list[Blow]:
        blows: list[Blow] = []
        for number in range(first, first + rounds):
            if flowing.done():
                flowing.result()  # it never ends by itself: this raises
            striking = (self.striker.strike(number, one) for one in self.drawn(number))
            blows += await asyncio.gather(*striking)
            await asyncio.sleep(self._chance(number, "rest").uniform(*REST))
        return blows
