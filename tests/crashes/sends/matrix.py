"""Round after round with one number; each step and victim in turn, and all judged twice.

The second time is at the end: what comes late, of whatever round, is found as well.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Self

import asyncpg

from tests.acceptance.world import Linked, World
from tests.crashes.sends.judging import Evidence, Outcome, judge, strangers
from tests.crashes.sends.letters import Letter, Writing
from tests.crashes.sends.moments import SAID_SENT
from tests.crashes.sends.rounds import Company, Round, found
from tests.crashes.sends.steps import Step
from tests.crashes.sends.victims import Victim
from tests.crashes.victims import RECOVERY


@dataclass(slots=True)
class Matrix:
    linked: Linked
    company: Company
    database: asyncpg.Connection[asyncpg.Record]
    seed: str
    plan: Iterator[tuple[Step, Victim]]
    outcomes: list[Outcome] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    farewells: list[Letter] = field(default_factory=list)
    later: list[str] = field(default_factory=list)  # defects of all rounds together

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls,
        directory: Path,
        seed: str,
        plan: Sequence[tuple[Step, Victim]] = tuple(itertools.product(Step, Victim)),
    ) -> AsyncIterator[Self]:
        """`plan` is gone through again and again."""
        async with (
            World.begin(directory, WA_POLL_SECONDS="1") as world,
            world.database() as database,
        ):
            linked = await world.linked()
            await linked.app.client.realtime.close()
            company = Company.of(linked)
            yield cls(linked, company, database, seed, itertools.cycle(plan))

    @property
    def is_clean(self) -> bool:
        return not self.later and all(one.is_clean for one in self.outcomes)

    @property
    def letters(self) -> list[Letter]:
        of_rounds = (letter for one in self.evidence for letter in one.letters)
        return [*of_rounds, *self.farewells]

    async def round(self) -> Outcome:
        step, victim = next(self.plan)
        chance = Random(f"{self.seed}/{len(self.outcomes) + 1}")  # noqa: S311 - seeded on purpose
        game = Round(self.linked, self.company, chance, self.database, step, victim)
        outcome, evidence = await game.play()
        self.outcomes.append(outcome)
        self.evidence.append(evidence)
        return outcome

    async def judge_everything_again(self) -> None:
        await self._last_words()
        marks = [letter.mark for letter in self.letters]
        if len(set(marks)) < len(marks):
            self.later.append("two letters have the same mark")
        for outcome, evidence in zip(self.outcomes, self.evidence, strict=True):
            again = replace(
                outcome,
                **{name: type(getattr(outcome, name))() for name in _FOUND},
                receipts_lost=0,
            )
            rows = await found(self.database, evidence.letters)
            judge(again, replace(evidence, rows=rows))
            for name in _FOUND[:-1]:
                new = [
                    note
                    for note in getattr(again, name)
                    if note not in getattr(outcome, name)
                ]
                self.later += [f"{name}: {note}" for note in new]
        self.later += strangers(self.company.everybody, self.linked.owner, self.letters)
        ignored = self.linked.world.stage.whatsapp.repetitions
        self.later += [f"{one} was ignored as a repetition" for one in ignored]
        self.later += await self._shown_twice()

    async def _last_words(self) -> None:
        """A text to each chat: once they have arrived, nothing older is on its way."""
        words = Writing(
            Random(f"{self.seed}/last"),  # noqa: S311 - seeded on purpose
            self.company.person,
            self.company.group,
            {},
        )
        for chat in (self.company.person, self.company.group):
            letter = replace(words.letters(1, "text")[0], chat=chat)
            self.farewells.append(letter)
            await self.linked.inserts(
                "text", dict(letter.payload), to=str(chat.jid), id=letter.id
            )
            await self.linked.app.outbox_is(letter.id, *SAID_SENT, within=RECOVERY)
        await self.linked.device.has_everything(timeout=RECOVERY)

    async def _shown_twice(self) -> list[str]:
        """Of what was sent here there is no second message in the app."""
        rows = await self.database.fetch(
            "select whatsapp_id from wa_messages where from_me and source <> 'outbox'"
            " and kind <> 'system'"
        )
        return [f"{row['whatsapp_id']} is shown beside its row" for row in rows]


_FOUND = ("twice", "unsent", "failed", "disordered", "doubted", "mistaken", "in_doubt")
