"""The oracle: what people said and heard, beside the tables, the leases and the sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from devstack.whatsapp import Login
from tests.chaos import incoming, outgoing
from tests.chaos.blows import Blow
from tests.chaos.incoming import Hall, Received
from tests.chaos.outgoing import Hearing, Post, Row, Sent
from tests.chaos.scene import Number, Scene
from tests.chaos.sockets import Outage, Ownership, Span, judge_logins, outages
from tests.chaos.traffic import Traffic
from tests.crashes.evidence import SpoolFile
from tests.crashes.oracle import Stored
from tests.crashes.sends.letters import Earlier, Letter
from tests.crashes.sends.moments import SAID_SENT

_EVENTS: Final = """
select code, level from wa_events where session_id = any($1) and created_at >= to_timestamp($2)
"""
_SETTLE: Final = """
update wa_outbox set settle_by = now()
where session_id = any($1) and state = 'sending' and settle_by is not null
"""


@dataclass(slots=True)
class Verdict:
    """Of some rounds. `faults`: what would not start, stop or come to rest."""

    between: Span
    blows: Sequence[Blow]
    sent: Sent = field(default_factory=Sent)
    received: Received = field(default_factory=Received)
    ownership: Ownership = field(default_factory=Ownership)
    outages: list[Outage] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    alarms: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # by phones, as a repetition
    faults: list[str] = field(default_factory=list)

    def checks(self) -> dict[str, list[str]]:
        """What was looked for, and what of it was found."""
        return {
            **self.sent.defects(),
            **self.received.defects(),
            "two owners": self.ownership.two_owners,
            "alarms": self.alarms,
            "ignored as repetitions": self.ignored,
            "faults": self.faults,
        }

    def defects(self) -> dict[str, list[str]]:
        return {name: notes for name, notes in self.checks().items() if notes}

    @property
    def is_clean(self) -> bool:
        return not self.defects()


@dataclass(slots=True)
class _Past:
    """All of a number's letters, to be looked at once more at the end."""

    letters: list[Letter] = field(default_factory=list)
    logins: int = 0  # so many have been judged


class Judge:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._past = [_Past(logins=len(scene.logins_of(n))) for n in scene.numbers]
        self._hearing = [_hearing(number) for number in scene.numbers]
        self._blows: list[Blow] = []
        self._ignored = 0

    async def look(
        self, traffic: Sequence[Traffic], blows: Sequence[Blow], between: Span
    ) -> Verdict:
        self._blows += blows
        verdict = Verdict(between, blows)
        await self._scene.leases.read_on(self._scene.world.local.admin_url)
        await self._settle()
        for place, number in enumerate(self._scene.numbers):
            past, flow = self._past[place], traffic[place]
            past.letters += flow.letters
            rows = await self._rows(flow.letters)
            outgoing.judge(
                verdict.sent,
                self._post(number, flow.letters, rows),
                self._hearing[place],
            )
            stored = await self._judge_incoming(verdict, number, flow)
            self._judge_sockets(verdict, number, past)
            await self._remember(number, flow, rows, stored)
        await self._judge_events(verdict)
        repetitions = self._scene.world.stage.whatsapp.repetitions
        new = repetitions[self._ignored :]
        verdict.ignored += [str(one) for one in new if not one.same_socket]
        self._ignored = len(repetitions)
        return verdict

    async def look_at_everything_again(self) -> Sent:
        """What came late, of whatever round, is found as well."""
        sent = Sent()
        await self._scene.leases.read_on(self._scene.world.local.admin_url)
        for place, number in enumerate(self._scene.numbers):
            letters = self._past[place].letters
            rows = await self._rows(letters)
            outgoing.judge(
                sent, self._post(number, letters, rows), self._hearing[place]
            )
        return sent

    def _post(
        self, number: Number, letters: Sequence[Letter], rows: dict[str, Row]
    ) -> Post:
        scene, session_id = self._scene, number.session_id
        return Post(
            session_id=session_id,
            owner=number.linked.owner,
            letters=letters,
            raced={
                one.message_id
                for one in scene.world.stage.whatsapp.repetitions
                if one.same_socket
            },
            asked_again=scene.world.stage.whatsapp.asked_again,
            rows=rows,
            blows=self._blows,
            caller_at=lambda term: scene.caller_of(
                scene.leases.holder_of(session_id, term)
            ),
        )

    async def _rows(self, letters: Sequence[Letter]) -> dict[str, Row]:
        async with self._scene.world.database() as database:
            return await outgoing.read_rows(database, letters)

    async def _settle(self) -> None:
        """Who waits for a receipt is told that it is too late: all have arrived by now."""
        sessions = [number.session_id for number in self._scene.numbers]
        async with self._scene.world.database() as database:
            await database.execute(_SETTLE, sessions)
        await self._scene.swept(sessions)

    async def _judge_incoming(
        self, verdict: Verdict, number: Number, flow: Traffic
    ) -> Stored:
        url = self._scene.world.stage.supabase.database_url
        stored = await Stored.read(url, number.session_id, flow.said)
        hall = Hall(
            session_id=number.session_id,
            said=flow.said,
            stored=stored,
            receipts=number.receipts,
            blows=self._blows,
            lost_disks=self._on_lost_disks(number.session_id),
        )
        incoming.judge(verdict.received, hall)
        return stored

    def _on_lost_disks(self, session_id: str) -> set[str]:
        return {
            message_id
            for machine in self._scene.machines
            for life in machine.lives[:-1]
            for message_id in SpoolFile(life, session_id).message_ids()
        }

    def _judge_sockets(self, verdict: Verdict, number: Number, past: _Past) -> None:
        logins: list[Login] = self._scene.logins_of(number)
        judge_logins(
            verdict.ownership,
            logins[past.logins :],
            number.session_id,
            self._scene.leases,
            self._scene.holder_of,
        )
        past.logins = len(logins)
        verdict.outages += outages(
            logins, verdict.blows, number.session_id, verdict.between
        )

    async def _judge_events(self, verdict: Verdict) -> None:
        sessions = [number.session_id for number in self._scene.numbers]
        async with self._scene.world.database() as database:
            rows = await database.fetch(_EVENTS, sessions, verdict.between[0])
        for row in rows:
            verdict.events[row["code"]] += 1
            if row["level"] == "error":
                verdict.alarms.append(row["code"])

    async def _remember(
        self, number: Number, flow: Traffic, rows: dict[str, Row], stored: Stored
    ) -> None:
        """What can be answered, changed and passed on in the next rounds."""
        arrived = [
            Earlier(str(row["message_id"]), str(row["whatsapp_id"]), one.mark, one.chat)
            for one in flow.letters
            if one.kind == "text"
            and (row := rows.get(one.id)) is not None
            and row["state"] in SAID_SENT
        ]
        number.stock.remembers_ours(arrived[-10:])
        # One's own goes on without a word that it was forwarded: no mark tells it apart.
        owner = str(number.linked.owner.lid)
        others = {one.id: one.words for one in flow.said if one.person != owner}
        theirs = [
            Earlier(
                row["id"], row["whatsapp_id"], row["body"], number.company.people[0]
            )
            for row in stored.messages
            if row["body"] == others.get(row["whatsapp_id"]) and not row["deleted"]
        ]
        number.stock.remembers_theirs(theirs[-10:])


def _hearing(number: Number) -> Hearing:
    owner = number.linked.owner
    people = [*number.company.people, *number.company.group.members]
    return Hearing([one for one in dict.fromkeys(people) if one is not owner], owner)
