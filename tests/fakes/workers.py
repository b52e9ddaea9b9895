"""Workers that do what a test says, without a process or WhatsApp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from connector.domain.addresses import Jid
from connector.domain.outgoing import OutgoingMessage
from connector.errors import ConnectorError, NotConnected
from connector.ports import (
    Attempt,
    Lane,
    Sent,
    SessionId,
    SessionRow,
    Signal,
    SpooledBatch,
    WorkerEvent,
)
from tests.fakes.asked import AskedWorker

ANA = Jid.parse("5511912345678@s.whatsapp.net")
NOBODY = SessionId("")


class FakeWorker(AskedWorker):
    """Says what the test lets it say; answers STARTED by itself."""

    def __init__(self, term: int, session_id: SessionId = NOBODY) -> None:
        super().__init__()
        self.term = term
        self.session_id = session_id
        self.calls: list[str] = []
        self.gone = False
        self.may_log_in_until = inf
        self.hangs: set[str] = set()  # calls that never return
        self.fails: dict[str, ConnectorError] = {}
        self._events: asyncio.Queue[WorkerEvent] = asyncio.Queue()
        self.says(Signal.STARTED)

    def says(self, signal: Signal, **details: object) -> None:
        event = WorkerEvent(signal=signal, **details)  # type: ignore[arg-type] # the test's own words
        self._events.put_nowait(event)

    def connects(self) -> None:
        self.says(Signal.CONNECTED, jid=ANA, push_name="Ana")
        self.says(Signal.OFFLINE_SYNC_DONE)

    def dies(self, code: int = -9) -> None:
        self.gone = True
        self.says(Signal.EXITED, code=code)

    async def events(self) -> AsyncIterator[WorkerEvent]:
        while True:
            event = await self._events.get()
            yield event
            if event.signal is Signal.EXITED:
                return

    async def connect(self, *, pairing_phone: str | None) -> None:
        await self._called("connect" if pairing_phone is None else "connect by code")

    async def send(
        self,
        to: Jid,
        message: OutgoingMessage,
        secret: bytes,
        *,
        begin_by: float = inf,
    ) -> Sent:
        raise NotConnected

    async def may_log_in(self, until: float) -> None:
        self.may_log_in_until = until

    async def ping(self) -> None:
        if "ping" in self.hangs:
            await asyncio.Event().wait()

    async def disconnect(self) -> None:
        await self._called("disconnect")

    async def log_out(self) -> None:
        await self._called("log_out")

    async def stop(self) -> None:
        await self._called("stop")
        self.dies(0)

    async def kill(self) -> None:
        await self._called("kill")
        self.dies()

    async def _called(self, call: str) -> None:
        self.calls.append(call)
        if call in self.fails:
            raise self.fails[call]
        if call in self.hangs:
            await asyncio.Event().wait()


@dataclass
class FakeSpool:
    waiting: int = 0

    def follow(self, session: SessionRow) -> None:
        raise AssertionError("a session reads nothing: ingestion does")

    async def read(self, limits: Mapping[Lane, int]) -> SpooledBatch | None:
        return None

    async def read_ahead(self, lane: Lane, limit: int) -> None:
        raise AssertionError("a session reads nothing: ingestion does")

    async def trim(self, batch: SpooledBatch) -> None:
        self.waiting = 0

    async def depth(self) -> int:
        return self.waiting

    async def reject(self, batch: SpooledBatch, reason: str) -> None:
        raise AssertionError("a session sets nothing aside: ingestion does")


@dataclass
class FakeDeviceStore:
    paired: bool = True
    discarded: int = 0
    busy: bool = False  # somebody holds the folder

    def lineage(self) -> str:
        return "first copy"

    def is_paired(self) -> bool:
        return self.paired

    async def is_known(self, phone: Jid) -> bool:
        return False

    async def find_attempt(self, secret: bytes) -> Attempt | None:
        return None

    def discard(self) -> None:
        if self.busy:
            raise BlockingIOError
        self.discarded += 1
        self.paired = False


@dataclass
class FakeLauncher:
    """A folder that all sessions share, and every worker that was launched."""

    workers: list[FakeWorker] = field(default_factory=list)
    store: FakeDeviceStore = field(default_factory=FakeDeviceStore)
    kept: FakeSpool = field(default_factory=FakeSpool)
    failures: list[Exception] = field(default_factory=list)
    left_behind: list[SessionId] = field(default_factory=list)
    on_launch: Callable[[], object] = lambda: None

    @property
    def worker(self) -> FakeWorker:
        return self.workers[-1]

    @property
    def alive(self) -> list[FakeWorker]:
        return [worker for worker in self.workers if not worker.gone]

    def runs(self, session_id: SessionId) -> bool:
        return any(worker.session_id == session_id for worker in self.alive)

    async def launch(self, session: SessionRow, term: int) -> FakeWorker:
        if self.failures:
            raise self.failures.pop(0)
        session_id = session.session_id
        assert not self.runs(session_id), "two workers for one number"
        self.workers.append(FakeWorker(term, session_id))
        self.on_launch()
        return self.worker

    def spool(self, session_id: SessionId) -> FakeSpool:
        return self.kept

    def spools(self) -> Sequence[SessionId]:
        return self.left_behind

    def device_store(self, session_id: SessionId) -> FakeDeviceStore:
        return self.store
