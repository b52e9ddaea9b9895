"""One round: rows are inserted, somebody is killed at a step of one, and all is looked for."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import asyncpg

from devstack.app import Row
from devstack.whatsapp import Group, Person
from tests.acceptance.world import Linked
from tests.crashes.sends.letters import MEDIA, Letter, letters, mark_of
from tests.crashes.sends.steps import OF_MEDIA, Step, Watch
from tests.crashes.victims import RECOVERY, Victim, bring_back

VICTIMS: Final = (Victim.WORKER, Victim.SUPERVISOR, Victim.CONNECTOR)
LONGEST_DELAY: Final = 0.003  # seconds between a step and the blow
MOST_LETTERS: Final = 8
SILENT: Final = 0.15  # of the rounds: nobody's phone confirms anything
LOOK_EVERY: Final = 0.02
SAID_SENT: Final = ("sent", "delivered", "read")
OPEN: Final = (
    "state in ('queued', 'claimed') or (state = 'sending' and settle_by is null)"
)


@dataclass(frozen=True, slots=True)
class Company:
    person: Person
    group: Group

    @classmethod
    def of(cls, linked: Linked) -> Company:
        bob, carla = (linked.world.somebody(name) for name in ("Bob", "Carla"))
        group = linked.world.stage.whatsapp.group("Time", linked.owner, [bob, carla])
        return cls(bob, group)

    @property
    def everybody(self) -> list[Person]:
        return [one for one in self.group.members if not one.linked_devices]


@dataclass(slots=True)
class Outcome:
    step: Step
    victim: Victim
    silent: bool
    sent: int
    seconds: float
    uploads: int
    twice: list[str] = field(default_factory=list)  # heard more than once
    unsent: list[str] = field(default_factory=list)  # said to be sent, never heard
    failed: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)  # uncertain without a reason
    in_doubt: int = 0  # begun and never left, or never confirmed: for a person
    receipts_lost: int = 0  # of these: heard, and neonize held the receipt when it died

    @property
    def is_clean(self) -> bool:
        return not (
            self.twice or self.unsent or self.failed or self.disordered or self.doubted
        )


@dataclass(slots=True)
class Round:
    linked: Linked
    company: Company
    chance: Random
    database: asyncpg.Connection[asyncpg.Record]
    step: Step
    victim: Victim

    async def play(self) -> Outcome:
        started, media = time.monotonic(), self.linked.world.stage.whatsapp.media
        silent = self.chance.random() < SILENT
        uploads = len(media.uploads)
        self._phones("none" if silent else "delivered")
        batch = self._letters()
        at = 0 if self._must_be_first else self.chance.randrange(len(batch))
        watch = Watch(self.linked, self.database, batch[at], uploads)
        if self.step is Step.UNCONFIRMED:
            self.linked.device.withhold_acks()
        pids = self._pids()
        await self._insert(batch)
        await watch.reached(self.step)
        await asyncio.sleep(self.chance.uniform(0, LONGEST_DELAY))
        undelivered = await self._strike(pids)
        rows = await self._settled(batch)
        outcome = Outcome(
            step=self.step,
            victim=self.victim,
            silent=silent,
            sent=len(batch),
            seconds=time.monotonic() - started,
            uploads=len(media.uploads) - uploads,
        )
        _judge(outcome, batch, rows, undelivered, self.linked.owner)
        return outcome

    @property
    def _must_be_first(self) -> bool:
        return self.step in OF_MEDIA or self.step is Step.UNCONFIRMED

    def _letters(self) -> list[Letter]:
        first = MEDIA if self.step in OF_MEDIA else None
        count = self.chance.randint(2, MOST_LETTERS)
        return letters(
            self.chance, count, self.company.person, self.company.group, first
        )

    def _phones(self, receipts: str) -> None:
        for person in self.company.everybody:
            person.receipts = "none" if receipts == "none" else "delivered"

    async def _insert(self, batch: Sequence[Letter]) -> None:
        rows = [letter.row(self.linked.session_id) for letter in batch]
        await self.linked.app.client.table("wa_outbox").insert(rows).execute()

    def _pids(self) -> list[int]:
        """Found beforehand: the blow must not come late."""
        connector = self.linked.world.connector
        match self.victim:
            case Victim.WORKER:
                return [self.linked.worker_pid()]
            case Victim.SUPERVISOR:
                return [connector.pid]
            case _:
                return _family(connector.pid)

    async def _strike(self, pids: Sequence[int]) -> set[str]:
        """Kill; which receipts WhatsApp still has for the client, by message id."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await self.linked.device.disconnected(timeout=RECOVERY)
        kept = self.linked.device.everything_kept()
        self.linked.device.release_acks()
        if self.victim is not Victim.WORKER:
            await self.linked.world.connector.wait()
        await bring_back(self.victim, self.linked)
        await self.linked.device.connected(timeout=RECOVERY)
        return {str(each.attrs["id"]) for each in kept if each.tag == "receipt"}

    async def _settled(self, batch: Sequence[Letter]) -> list[Row]:
        """The rows at their end; who waits for a receipt is told that it is too late."""
        ids = [letter.id for letter in batch]
        await self._until(
            f"not exists (select from wa_outbox where id = any($1) and ({OPEN}))", ids
        )
        await self.linked.device.has_everything(timeout=RECOVERY)
        await self.database.execute(
            "update wa_outbox set settle_by = now() where id = any($1) and state = 'sending'",
            ids,
        )
        await self._until(
            "not exists (select from wa_outbox where id = any($1) and state = 'sending')",
            ids,
        )
        found = await self.database.fetch(
            "select id::text, state, error_code, whatsapp_id from wa_outbox where id = any($1)",
            ids,
        )
        return [dict(row) for row in found]

    async def _until(self, condition: str, ids: list[str]) -> None:
        question = f"select {condition}"
        async with asyncio.timeout(RECOVERY):
            while not await self.database.fetchval(question, ids):  # noqa: ASYNC110 - the same
                await asyncio.sleep(LOOK_EVERY)


def _judge(
    outcome: Outcome,
    batch: Sequence[Letter],
    rows: Sequence[Row],
    undelivered: Container[str],
    owner: Person,
) -> None:
    found = {row["id"]: row for row in rows}
    for letter in batch:
        row = found[letter.id]
        state, code = row["state"], row["error_code"]
        heard = Counter(
            person.name
            for person in letter.hearers(owner)
            for one in person.heard
            if mark_of(one) == letter.mark
        )
        times = max(heard.values(), default=0)
        note = f"{letter.kind} {letter.id} {state} {code} heard {dict(heard)}"
        if times > 1:
            outcome.twice.append(note)
        if state in SAID_SENT and len(heard) < len(letter.hearers(owner)):
            outcome.unsent.append(note)
        elif state == "uncertain" and heard and not outcome.silent:
            if outcome.victim is Victim.SUPERVISOR or row["whatsapp_id"] in undelivered:
                outcome.doubted.append(note)
            else:
                outcome.receipts_lost += 1
        elif state not in (*SAID_SENT, "uncertain"):
            outcome.failed.append(note)
        outcome.in_doubt += state == "uncertain"
    _judge_order(outcome, batch, owner)


def _judge_order(outcome: Outcome, batch: Sequence[Letter], owner: Person) -> None:
    for person in {one for letter in batch for one in letter.hearers(owner)}:
        for chat in {letter.chat for letter in batch}:
            wanted = [letter.mark for letter in batch if letter.chat is chat]
            heard = [mark_of(one) for one in person.heard if mark_of(one) in wanted]
            if heard != [mark for mark in wanted if mark in heard]:
                outcome.disordered.append(f"{person.name} heard {heard} of {wanted}")


def _family(pid: int) -> list[int]:
    """A process and all it started, their parent first: it is to notice nothing."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [pid, *(each for child in text.split() for each in _family(int(child)))]
