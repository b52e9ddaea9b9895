"""An outbox, a device store and a worker in memory, scripted by the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.outgoing import (
    OutboxResult,
    Outcome,
    OutgoingMessage,
    OutgoingText,
)
from connector.errors import ConnectorError
from connector.ports import Attempt, Claim, ClaimedRow, Sent, SessionId, UnsettledRow
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import NOON

FORGOTTEN = (Outcome.RELEASED, Outcome.RETRY)


def row(name: str, *, to: str = "5521987654321", text: str = "oi") -> ClaimedRow:
    return ClaimedRow(
        id=name,
        to=to,
        chat_id=None,
        chat_jid=None,
        kind="text",
        payload={"text": text},
        attempts=0,
        claim=0,
    )


@dataclass
class MemoryOutbox:
    """What `wa_exchange_outbox` does, for one session."""

    queued: deque[ClaimedRow] = field(default_factory=deque)
    claimed: dict[str, ClaimedRow] = field(default_factory=dict)
    results: dict[str, OutboxResult] = field(default_factory=dict)
    lineage: str = ""
    failures: deque[ConnectorError] = field(default_factory=deque)
    lose_next_answer: ConnectorError | None = None
    inserted: list[str] = field(default_factory=list)
    swept: asyncio.Event = field(default_factory=asyncio.Event)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        lineage: str,
        results: Sequence[OutboxResult],
        claim: int,
    ) -> Claim:
        if self.failures:
            raise self.failures.popleft()
        self.lineage = lineage
        if claim == 0:
            self.swept.set()
        for result in results:
            self._record(result)
        self.inserted += [
            each.id for each in self.queued if each.id not in self.inserted
        ]
        rows = [
            replace(each, attempts=each.attempts + 1, claim=each.claim + 1)
            for each in (
                self.queued.popleft() for _ in range(min(claim, len(self.queued)))
            )
        ]
        self.claimed |= {claimed.id: claimed for claimed in rows}
        if (error := self.lose_next_answer) is not None:
            self.lose_next_answer = None
            raise error
        return Claim(rows=rows)

    def _record(self, result: OutboxResult) -> None:
        claimed = self.claimed.pop(result.id)
        self.results[result.id] = result
        if result.outcome in FORGOTTEN:
            if claimed.id not in self.inserted:
                self.inserted.insert(0, claimed.id)  # an earlier run claimed it
            waiting = [*self.queued, claimed]
            waiting.sort(key=lambda each: self.inserted.index(each.id))
            self.queued = deque(waiting)
        self.recorded.set()

    async def unsettled(
        self,
        session_id: SessionId,
        term: int,
    ) -> Sequence[UnsettledRow]:
        return [
            UnsettledRow(id=name, claim=claimed.claim, lineage=self.lineage, term=term)
            for name, claimed in self.claimed.items()
        ]

    async def until_recorded(
        self, name: str, outcome: Outcome | None = None
    ) -> OutboxResult:
        """The row's result, or its result of that kind."""
        async with asyncio.timeout(2):
            while name not in self.results or (
                outcome is not None and self.results[name].outcome is not outcome
            ):
                self.recorded.clear()
                await self.recorded.wait()
        return self.results[name]


@dataclass
class MemoryIntake:
    """Keeps what was stored, unless Supabase is away."""

    stored: list[Incoming] = field(default_factory=list)
    failures: list[ConnectorError] = field(default_factory=list)

    async def store(
        self, session_id: SessionId, term: int, incoming: Sequence[Incoming]
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.stored += incoming

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        return False


@dataclass
class MemoryDeviceStore:
    """Which secrets WhatsApp's store keeps, and which copy of it this is."""

    copy: str = "first copy"
    begun: dict[bytes, Attempt] = field(default_factory=dict)
    strangers: set[Jid] = field(default_factory=set)  # everybody else is known

    def lineage(self) -> str:
        return self.copy

    def is_paired(self) -> bool:
        return True

    async def is_known(self, phone: Jid) -> bool:
        return phone not in self.strangers

    async def find_attempt(self, secret: bytes) -> Attempt | None:
        return self.begun.get(secret)

    def discard(self) -> None:
        self.begun.clear()


@dataclass
class SendingWorker(AskedWorker):
    """A worker that sends, through `gate`; keeps the secret before, as neonize."""

    store: MemoryDeviceStore
    refusals: deque[ConnectorError] = field(default_factory=deque)
    breaks: ConnectorError | None = None  # while the message is in flight
    heard: list[str] = field(default_factory=list)
    sent_to: list[Jid] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()
        self.gate.set()

    async def send(self, to: Jid, message: OutgoingMessage, secret: bytes) -> Sent:
        whatsapp_id = f"3EB0{len(self.heard)}"
        if self.refusals:
            raise self.refusals.popleft()
        self.store.begun[secret] = Attempt(whatsapp_id=whatsapp_id)
        assert isinstance(message.content, OutgoingText)
        self.heard.append(message.content.text)
        self.sent_to.append(to)
        self.in_flight.set()
        await self.gate.wait()
        if self.breaks is not None:
            raise self.breaks
        return Sent(whatsapp_id=whatsapp_id, at=NOON)

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(2):
            while len(self.heard) < count:
                self.in_flight.clear()
                await self.in_flight.wait()


class SilentDoorbell:
    """Never rings: only polling finds work."""

    healthy = False

    async def wait_sessions(self, at_most: float) -> None:
        await asyncio.sleep(min(at_most, timedelta(milliseconds=1).total_seconds()))

    async def wait_outbox(self, session_id: SessionId, at_most: float) -> None:
        await asyncio.sleep(min(at_most, timedelta(milliseconds=1).total_seconds()))

    async def run(self) -> None:
        await asyncio.Event().wait()
