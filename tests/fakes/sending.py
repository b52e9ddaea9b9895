"""An outbox, a device store and a worker in memory, scripted by the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf

from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Json
from connector.domain.outgoing import (
    OutboxResult,
    Outcome,
    OutgoingMessage,
    OutgoingRead,
    OutgoingText,
    Typing,
    Uploaded,
)
from connector.errors import ConnectorError, NotConnected, WorkerGone
from connector.ports import (
    Attempt,
    Claim,
    ClaimedRow,
    SealedFile,
    Sent,
    SessionId,
    UnsettledRow,
)
from tests.fakes.asked import AskedWorker
from tests.fakes.clock import NOON

FORGOTTEN = (Outcome.RELEASED, Outcome.RETRY, Outcome.PAUSED)


def row(name: str, *, to: str = "5521987654321", text: str = "oi") -> ClaimedRow:
    return asked(name, "text", {"text": text}, to=to)


def asked(
    name: str, kind: str, payload: Json, *, to: str = "5521987654321"
) -> ClaimedRow:
    """A row of any kind; rows to one number are rows of one chat."""
    return ClaimedRow(
        id=name,
        to=to,
        chat_id=None,
        chat_jid=None,
        kind=kind,
        payload=payload,
        attempts=0,
        claim=0,
    )


@dataclass
class MemoryOutbox:
    """What `wa_exchange_outbox` does, for one session.

    Time stands still: what is to be tried again later holds back its chat, and a pause the
    whole session, until a test says `time_passes`.
    """

    queued: deque[ClaimedRow] = field(default_factory=deque)
    claimed: dict[str, ClaimedRow] = field(default_factory=dict)
    results: dict[str, OutboxResult] = field(default_factory=dict)
    lineage: str = ""
    witness: tuple[str, int] | None = None
    failures: deque[ConnectorError] = field(default_factory=deque)
    lose_next_answer: ConnectorError | None = None
    inserted: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)  # for their retry_at
    paused: bool = False
    look_again: deque[timedelta] = field(default_factory=deque)
    history: list[tuple[str, Outcome]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)  # held up while clear
    asked: int = 0

    def __post_init__(self) -> None:
        self.answers.set()

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
            for each in self._due()[:claim]
        ]
        self.queued = deque(
            each for each in self.queued if each.id not in {one.id for one in rows}
        )
        self.claimed |= {claimed.id: claimed for claimed in rows}
        if (error := self.lose_next_answer) is not None:
            self.lose_next_answer = None
            raise error
        self.asked += 1
        await self.answers.wait()
        again = self.look_again.popleft() if self.look_again else None
        return Claim(rows=rows, look_again=again)

    def time_passes(self) -> None:
        self.waiting.clear()
        self.paused = False

    def _due(self) -> list[ClaimedRow]:
        held = {each.to for each in self.queued if each.id in self.waiting}
        return [each for each in self.queued if each.to not in held and not self.paused]

    def _record(self, result: OutboxResult) -> None:
        claimed = self.claimed.get(result.id)
        is_late = claimed is None or result.claim not in (None, claimed.claim)
        if is_late and result.outcome is not Outcome.SENT:
            return  # somebody else has settled it
        self.claimed.pop(result.id, None)
        self.results[result.id] = result
        self.history.append((result.id, result.outcome))
        self.recorded.set()
        if claimed is None:
            return
        if result.outcome in (Outcome.RELEASED, Outcome.PAUSED):
            claimed = replace(claimed, attempts=claimed.attempts - 1)
        if result.retry_after:
            self.waiting.add(result.id)
        self.paused = self.paused or result.pause is not None
        if result.outcome in FORGOTTEN:
            if claimed.id not in self.inserted:
                self.inserted.insert(0, claimed.id)  # an earlier run claimed it
            waiting = [*self.queued, claimed]
            waiting.sort(key=lambda each: self.inserted.index(each.id))
            self.queued = deque(waiting)

    async def unsettled(
        self,
        session_id: SessionId,
        term: int,
    ) -> Sequence[UnsettledRow]:
        return [
            UnsettledRow(
                id=name,
                claim=claimed.claim,
                lineage=self.lineage,
                term=term,
                witness=self.witness,
            )
            for name, claimed in self.claimed.items()
        ]

    async def until_recorded(
        self, name: str, outcome: Outcome | None = None
    ) -> OutboxResult:
        """The row's result, or its result of that kind."""
        async with asyncio.timeout(30):
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


def uploaded(number: int) -> Uploaded:
    return Uploaded(
        url=f"https://mmg.example/{number}",
        direct_path=f"/v/{number}",
        media_key=bytes(32),
        file_sha256=bytes(32),
        file_enc_sha256=bytes(32),
        size=7,
    )


@dataclass
class MemoryNotes:
    """What a stopped run noted for the next one."""

    noted: Sequence[OutboxResult] = ()

    def read(self) -> Sequence[OutboxResult]:
        return self.noted

    def write(self, results: Sequence[OutboxResult]) -> None:
        self.noted = tuple(results)


@dataclass
class SendingWorker(AskedWorker):
    """A worker that sends, through `gate`; keeps the secret before, as neonize."""

    store: MemoryDeviceStore
    refusals: deque[ConnectorError] = field(default_factory=deque)
    breaks: ConnectorError | None = None  # while the message is in flight
    heard: list[str] = field(default_factory=list)
    sent: list[OutgoingMessage] = field(default_factory=list)
    sent_to: list[Jid] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # typing, and what was ticked
    uploads: list[SealedFile] = field(default_factory=list)
    broken_by: str | None = None  # a number that nobody foresaw
    at_the_gate: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    upload_gate: asyncio.Event = field(default_factory=asyncio.Event)
    in_flight: asyncio.Event = field(default_factory=asyncio.Event)
    says_no: asyncio.Event = field(default_factory=asyncio.Event)  # to those behind
    now: float = 0.0  # by the monotonic clock

    def __post_init__(self) -> None:
        super().__init__()
        for gate in (self.gate, self.upload_gate, self.says_no):
            gate.set()
        self._turns = asyncio.Lock()
        self._failures = 0
        self._is_gone = False

    async def send(
        self,
        to: Jid,
        message: OutgoingMessage,
        secret: bytes,
        *,
        begin_by: float = inf,
    ) -> Sent:
        """One after the other; what waits behind a failure is not begun."""
        self._demand_foreseen(to)
        if begin_by <= self.now:
            raise NotConnected
        failures = self._failures
        self.at_the_gate += 1
        try:
            async with self._turns:
                if failures != self._failures:
                    await self.says_no.wait()
                    raise WorkerGone if self._is_gone else NotConnected
                return await self._send(to, message, secret)
        finally:
            self.at_the_gate -= 1

    async def _send(self, to: Jid, message: OutgoingMessage, secret: bytes) -> Sent:
        whatsapp_id = f"3EB0{len(self.heard)}"
        content = message.content
        await asyncio.sleep(0)  # an answer takes its time
        try:
            if self.refusals:
                raise self.refusals.popleft()
            self.store.begun[secret] = Attempt(whatsapp_id=whatsapp_id)
            self.heard.append(
                content.text
                if isinstance(content, OutgoingText)
                else type(content).__name__
            )
            self.sent.append(message)
            self.sent_to.append(to)
            self.in_flight.set()
            await self.gate.wait()
            if self.breaks is not None:
                raise self.breaks
        except ConnectorError as error:
            self._failures += 1
            self._is_gone = isinstance(error, WorkerGone)
            raise
        return Sent(whatsapp_id=whatsapp_id, at=NOON)

    async def upload(self, file: SealedFile) -> Uploaded:
        self.uploads.append(file)
        await self.upload_gate.wait()
        if self.refuses:
            raise self.refuses.pop(0)
        return uploaded(len(self.uploads))

    async def mark_read(self, read: OutgoingRead) -> None:
        if self.refuses:
            raise self.refuses.pop(0)
        self.shown.append(f"read {read.sender.user}: {' '.join(read.whatsapp_ids)}")

    def _demand_foreseen(self, to: Jid) -> None:
        if to.user == self.broken_by:
            raise RuntimeError

    async def show_typing(self, chat: Jid, typing: Typing) -> None:
        self._demand_foreseen(chat)
        if self.refuses:
            raise self.refuses.pop(0)
        self.shown.append(typing.value)

    async def until_heard(self, count: int) -> None:
        async with asyncio.timeout(30):
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
