"""One round: rows are inserted, somebody is killed at a step of one, and all is looked for."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import asyncpg

from devstack.app import Row
from devstack.whatsapp import Group, Person
from tests.acceptance.sounds import tone
from tests.acceptance.world import Linked
from tests.crashes.sends.judging import Evidence, Outcome, judge
from tests.crashes.sends.letters import MEDIA, STOCKED, Earlier, Letter, Writing
from tests.crashes.sends.moments import SAID_SENT, Moment, Sight
from tests.crashes.sends.steps import OF_MEDIA, Step, Watch
from tests.crashes.sends.victims import Blow, Victim
from tests.crashes.victims import RECOVERY

LONGEST_DELAY: Final = 0.003  # seconds between a step and the blow
MOST_LETTERS: Final = 8
SILENT: Final = 0.15  # of the rounds: nobody's phone confirms anything
LOOK_EVERY: Final = 0.02
_OPEN: Final = (
    "state in ('queued', 'claimed') or (state = 'sending' and settle_by is null)"
)
_ROWS: Final = """
select entry.id::text, entry.state, entry.error_code, entry.whatsapp_id,
       entry.message_id::text, message.status
from wa_outbox as entry left join wa_messages as message on message.id = entry.message_id
where entry.id = any($1)
"""


@dataclass(slots=True)
class Company:
    """Who is written to, and what has been said to them in earlier rounds."""

    person: Person
    group: Group
    voice: bytes
    files: dict[str, list[str]] = field(default_factory=dict)
    ours: list[Earlier] = field(default_factory=list)
    theirs: list[Earlier] = field(default_factory=list)

    @classmethod
    def of(cls, linked: Linked) -> Company:
        bob, carla = (linked.world.somebody(name) for name in ("Bob", "Carla"))
        group = linked.world.stage.whatsapp.group("Time", linked.owner, [bob, carla])
        return cls(bob, group, tone("ogg", seconds=1))

    @property
    def everybody(self) -> list[Person]:
        return [one for one in self.group.members if not one.linked_devices]

    async def uploads(self, linked: Linked, chance: Random) -> None:
        """A file of each kind that nobody sent before; one stays from last time."""
        text = f"%PDF-1.4\n{chance.getrandbits(64)}".encode()
        for kind, name, data, mime_type in (
            ("document", "nota.pdf", text, "application/pdf"),
            ("voice", "recado.ogg", self.voice, "audio/ogg"),
        ):
            path = await linked.uploads(name, data, mime_type)
            self.files[kind] = [path, *self.files.get(kind, [])[:1]]

    def remember(self, letters: Sequence[Letter], rows: Mapping[str, Row]) -> None:
        """The texts that have arrived, to be answered and changed."""
        for letter in letters:
            row = rows[letter.id]
            if letter.kind == "text" and row["state"] in SAID_SENT:
                names = row["message_id"], row["whatsapp_id"]
                self.ours.append(Earlier(*names, letter.mark, letter.chat))
        del self.ours[:-STOCKED]


@dataclass(slots=True)
class Round:
    linked: Linked
    company: Company
    chance: Random
    database: asyncpg.Connection[asyncpg.Record]
    step: Step
    victim: Victim
    letters: list[Letter] = field(default_factory=list)

    async def play(self) -> tuple[Outcome, Evidence]:
        started, media = time.monotonic(), self.linked.world.stage.whatsapp.media
        silent = self.chance.random() < SILENT
        uploads = len(media.uploads)
        watch = await self._set_up(silent=silent, uploads=uploads)
        sight, undelivered = await self._killed(watch)
        rows = await self.settled()
        evidence = self._evidence(rows, sight, undelivered)
        outcome = Outcome(
            step=self.step,
            victim=self.victim,
            silent=silent,
            sent=len(self.letters),
            seconds=time.monotonic() - started,
            uploads=len(media.uploads) - uploads,
            target=evidence.moments[watch.letter.id],
            moments=Counter(evidence.moments.values()),
        )
        judge(outcome, evidence)
        if self.victim is not Victim.DISK:
            self.company.remember(self.letters, rows)
        # After a loss they write with keys of before it, and are asked to write anew.
        await self._hears(self.linked.owner)
        if self.victim is Victim.DISK:
            await self._hears(self.company.group)
        return outcome, evidence

    async def _set_up(self, *, silent: bool, uploads: int) -> Watch:
        for person in self.company.everybody:
            person.receipts = "none" if silent else "delivered"
        await self.company.uploads(self.linked, self.chance)
        first = MEDIA if self.step in OF_MEDIA else None
        if self.step is Step.UNCONFIRMED:
            first = "text"  # what has to be fetched is passed by other chats
        writing = Writing(
            self.chance,
            self.company.person,
            self.company.group,
            self.company.files,
            self.company.ours,
            self.company.theirs,
        )
        self.letters = writing.letters(self.chance.randint(2, MOST_LETTERS), first)
        at = 0 if first else self.chance.randrange(len(self.letters))
        return Watch(self.linked, self.database, self.letters[at], uploads)

    async def _killed(self, watch: Watch) -> tuple[Sight, set[str]]:
        """What was to be seen then; which receipts WhatsApp still has for the client."""
        device = self.linked.device
        copy = self.linked.world.stage.directory / "copy.db"
        blow = Blow(self.victim, self.linked, copy)
        if self.step is Step.UNCONFIRMED:
            device.withhold_acks()
        blow.plan()
        await self._insert()
        if self.step is Step.BEGUN:
            await asyncio.to_thread(watch.begun, blow.freeze)
        else:
            await watch.reached(self.step)
            await asyncio.sleep(self.chance.uniform(0, LONGEST_DELAY))
            blow.freeze()
        sight = await Sight.of(self.linked, self.database, self.letters)
        await blow.strike()
        sight.look_into_the_store(self.linked)
        kept = device.everything_kept()
        device.release_acks()
        await blow.bring_back()
        return sight, {str(each.attrs["id"]) for each in kept if each.tag == "receipt"}

    async def _insert(self) -> None:
        rows = [letter.row(self.linked.session_id) for letter in self.letters]
        await self.linked.app.client.table("wa_outbox").insert(rows).execute()

    def _evidence(
        self, rows: Mapping[str, Row], sight: Sight, undelivered: Container[str]
    ) -> Evidence:
        heard = {
            one.whatsapp_id for person in self.company.everybody for one in person.heard
        }
        moments: dict[str, Moment] = {
            letter.id: sight.moment(letter.id, heard) for letter in self.letters
        }
        return Evidence(self.letters, rows, moments, undelivered, self.linked.owner)

    async def settled(self) -> Mapping[str, Row]:
        """The rows at their end; who waits for a receipt is told that it is too late."""
        ids = [letter.id for letter in self.letters]
        await self._until(
            f"not exists (select from wa_outbox where id = any($1) and ({_OPEN}))", ids
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
        return await found(self.database, self.letters)

    async def _until(self, condition: str, *arguments: object) -> None:
        question = f"select {condition}"
        async with asyncio.timeout(RECOVERY):
            while not await self.database.fetchval(question, *arguments):  # noqa: ASYNC110 - the same
                await asyncio.sleep(LOOK_EVERY)

    async def _hears(self, chat: Person | Group) -> None:
        """Somebody else says something, and the app shows it; it can be passed on."""
        person = self.company.person
        said = await person.says(chat, f"{self.chance.getrandbits(48):012x}")
        question = "select id::text from wa_messages where whatsapp_id = $1"
        await self._until(f"exists ({question})", said.id)
        message_id = await self.database.fetchval(question, said.id)
        self.company.theirs.append(Earlier(message_id, said.id, said.text, person))
        del self.company.theirs[:-STOCKED]


async def found(
    database: asyncpg.Connection[asyncpg.Record], letters: Sequence[Letter]
) -> Mapping[str, Row]:
    """What became of these letters' rows, and of their messages, by row."""
    rows = await database.fetch(_ROWS, [letter.id for letter in letters])
    return {row["id"]: dict(row) for row in rows}
