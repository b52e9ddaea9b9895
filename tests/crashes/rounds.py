"""One round: people talk, everything is killed in turn, and then it is looked for."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.acceptance.world import Linked
from tests.crashes.evidence import Receipts, SpoolFile
from tests.crashes.oracle import Findings, Stored, compare
from tests.crashes.talk import Company, Talk, Utterance
from tests.crashes.victims import HOLD_MESSAGES, RECOVERY, Victim, bring_back, kill

# What neonize still held is among the last to be confirmed before a kill, or among the
# first after it: what it had decrypted comes again, and is taken for a repetition.
WINDOW: Final = 30
BLOWS_AT_ONCE: Final = 0.3  # of the rounds
LONGEST_DELAY: Final = 0.02  # seconds between a confirmation and the blow


def _apart(chance: Random, length: int, count: int) -> list[int]:
    """A point in each of as many parts, leaving out the very beginning and end."""
    part = length * 9 // 10 // count
    return [length // 20 + n * part + chance.randrange(part) for n in range(count)]


@dataclass(frozen=True, slots=True)
class Planned:
    """Kill `victim` when so many utterances are confirmed, and `delay` seconds later."""

    victim: Victim
    after: int
    delay: float
    struck: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Blow:
    """`position` is how many receipts there were when the victim was gone."""

    victim: Victim
    position: int
    spooled: frozenset[str]


@dataclass(slots=True)
class Outcome:
    said: int
    seconds: float
    blows: Sequence[Blow]
    findings: Findings
    dead_letters: int
    lost: Counter[Victim] = field(default_factory=Counter)  # in the window
    dropped: list[Utterance] = field(default_factory=list)  # though it was spooled
    unexplained: list[Utterance] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        found = self.findings
        faults = (found.twice, found.disordered, found.wrong, self.dropped)
        return not (any(faults) or self.unexplained or self.dead_letters)


@dataclass(slots=True)
class Round:
    linked: Linked
    company: Company
    chance: Random
    utterances: int
    _plan: Sequence[Planned] = ()

    def __post_init__(self) -> None:
        """One blow a victim, in any order, after as many confirmations as chance says."""
        victims = self.chance.sample(list(Victim), k=len(Victim))
        points = _apart(self.chance, self.utterances, len(victims))
        if self.chance.random() < BLOWS_AT_ONCE:
            # While one of them comes back, the next ones go.
            points = [point // 20 + self.utterances // 3 for point in points]
        self._plan = [
            Planned(victim, point, self.chance.uniform(0, LONGEST_DELAY))
            for victim, point in zip(victims, points, strict=True)
        ]

    async def play(self) -> Outcome:
        started = time.monotonic()
        whatsapp = self.linked.world.stage.whatsapp
        receipts = Receipts(whatsapp)
        talk = Talk(self.chance, self.company)
        async with asyncio.TaskGroup() as tasks:
            striking = tasks.create_task(self._strike(receipts))
            tasks.create_task(self._talk(talk, receipts))
        await self._settle()
        return await self._judged(talk, striking.result(), receipts, started)

    async def _talk(self, talk: Talk, receipts: Receipts) -> None:
        """No further ahead of the client, or of the next blow, than chance says."""
        ahead = self.chance.randint(10, max(10, self.utterances // 4))
        blows = deque(self._plan)
        for said in range(self.utterances):
            while blows and said >= blows[0].after + ahead:
                await blows.popleft().struck.wait()
            if said - receipts.count() >= ahead:
                await self._until_confirmed(receipts, said - ahead // 2)
            await talk.goes_on()

    async def _strike(self, receipts: Receipts) -> list[Blow]:
        return [await self._blow(planned, receipts) for planned in self._plan]

    async def _blow(self, planned: Planned, receipts: Receipts) -> Blow:
        await self._until_confirmed(receipts, planned.after)
        await asyncio.sleep(planned.delay)
        await kill(planned.victim, self.linked)
        position = receipts.position()
        planned.struck.set()
        spool = SpoolFile(self.linked.world.connector, self.linked.session_id)
        spooled = await asyncio.to_thread(spool.message_ids)
        await bring_back(planned.victim, self.linked)
        if planned.victim in (Victim.SUPERVISOR, Victim.CONNECTOR):
            # What its socket still held has been read then: no receipt comes after. A
            # worker's has ended when it is killed, and the next one may be there by now.
            await self.linked.device.disconnected(timeout=RECOVERY)
            position = receipts.position()
        return Blow(planned.victim, position, frozenset(spooled))

    async def _until_confirmed(self, receipts: Receipts, count: int) -> None:
        await self.linked.world.stage.whatsapp.until(
            lambda: receipts.count() >= count, timeout=RECOVERY
        )

    async def _settle(self) -> None:
        """Everything received, and stored: what was said last is in its table."""
        await self.linked.device.connected(timeout=RECOVERY)
        await self.linked.device.has_everything(timeout=RECOVERY)
        last = await self.company.people[0].says(self.linked.owner, "that is all")
        async with self.linked.world.database() as database:

            async def look() -> bool:
                found = await database.fetchval(
                    "select exists (select from wa_messages where whatsapp_id = $1)",
                    last.id,
                )
                return bool(found)

            await self.linked.app.until(look, within=RECOVERY)

    async def _judged(
        self, talk: Talk, blows: Sequence[Blow], receipts: Receipts, started: float
    ) -> Outcome:
        world, session_id = self.linked.world, self.linked.session_id
        url = world.stage.supabase.database_url
        stored = await Stored.read(url, session_id, talk.utterances)
        outcome = Outcome(
            said=len(talk.utterances),
            seconds=time.monotonic() - started,
            blows=blows,
            findings=compare(talk.utterances, stored),
            dead_letters=SpoolFile(world.connector, session_id).dead_letters(),
        )
        for one in outcome.findings.missing:
            _explain(one, outcome, receipts)
        return outcome


def _explain(one: Utterance, outcome: Outcome, receipts: Receipts) -> None:
    """What was spooled may not be missing, nor what no kill stands close behind."""
    at = receipts.of(one.id)
    close = [
        (blow.victim is Victim.SUPERVISOR, abs(blow.position - at), blow.victim)
        for blow in outcome.blows
        if at is not None
        and blow.victim in HOLD_MESSAGES
        and abs(blow.position - at) <= WINDOW
    ]
    if any(one.id in blow.spooled for blow in outcome.blows):
        outcome.dropped.append(one)
    elif close:
        outcome.lost[min(close)[-1]] += 1
    else:
        outcome.unexplained.append(one)
