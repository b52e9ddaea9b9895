"""Delivery at work for one session, with everything around it in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from connector.delivery.delivery import Delivery
from connector.people.numbers import AskedNumbers
from connector.ports import (
    Clock,
    DeviceStore,
    Launcher,
    SessionContext,
    SessionId,
    Wakeups,
    Worker,
)
from connector.sealing import Sealer
from tests.fakes.clock import HurriedClock
from tests.fakes.files_to_send import MemoryFiles, MemoryUploads
from tests.fakes.people import Beside, MemoryNumbers
from tests.fakes.sending import (
    MemoryDeviceStore,
    MemoryIntake,
    MemoryNotes,
    MemoryOutbox,
    SendingWorker,
    SilentDoorbell,
)

SESSION = SessionId("s1")
SEALER = Sealer([bytes(32)])


@dataclass
class Scene:
    outbox: MemoryOutbox
    store: MemoryDeviceStore
    worker: SendingWorker
    context: Beside
    files: MemoryFiles = field(default_factory=MemoryFiles)
    uploads: MemoryUploads = field(default_factory=MemoryUploads)
    notes: MemoryNotes = field(default_factory=MemoryNotes)
    files_sent: list[SessionId] = field(default_factory=list)
    clock: Clock = field(default_factory=HurriedClock)
    wakeups: Wakeups = field(default_factory=SilentDoorbell)
    patience: timedelta = timedelta(seconds=10)
    one_upload: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    spare_memory: int | None = None  # bytes

    @classmethod
    def connected(cls) -> Scene:
        store = MemoryDeviceStore()
        worker = SendingWorker(store)
        context = Beside(cast("Worker", worker), SESSION)
        return cls(MemoryOutbox(), store, worker, context)

    def device_store(self, session_id: SessionId) -> DeviceStore:
        return self.store

    @asynccontextmanager
    async def delivering(
        self,
        poll: timedelta = timedelta(seconds=1),
        delivery: Delivery | None = None,
    ) -> AsyncIterator[asyncio.Task[None]]:
        """One run; with the `delivery` of an earlier one, in the same process."""
        delivery = delivery or self.delivery(poll)
        task = asyncio.create_task(delivery.run(cast("SessionContext", self.context)))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})

    def delivery(self, poll: timedelta = timedelta(seconds=1)) -> Delivery:
        return Delivery(
            launcher=cast("Launcher", self),
            unrecorded=lambda _: self.notes,
            outbox=self.outbox,
            numbers=AskedNumbers(
                store=MemoryNumbers(),
                intake=MemoryIntake(),
                clock=self.clock,
                chance=lambda: 0.5,
            ),
            files=self.files,
            uploads=self.uploads,
            file_sent=self.files_sent.append,
            wakeups=self.wakeups,
            sealer=SEALER,
            clock=self.clock,
            chance=lambda: 0.5,
            poll=poll,
            poll_blind=timedelta(seconds=1),
            patience=self.patience,
            one_upload=self.one_upload,
            spare_memory=lambda: self.spare_memory,
        )
