"""A number with its worker process, driven as the supervisor drives it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.adapters.whatsapp.process.worker_handle import WorkerHandle
from connector.adapters.whatsapp.process.zygote import Zygote
from connector.adapters.whatsapp.spool.writer import HighWater
from connector.domain.messages import Message
from connector.ports import (
    DesiredState,
    Lane,
    SessionId,
    SessionRow,
    Signal,
    WorkerEvent,
)
from devstack.whatsapp import LinkedDevice, Person, WhatsApp

TIMEOUT = 30.0
KEY = b"k" * 32
ROOMY = HighWater(spool_bytes=1 << 30, free_bytes=0)
_ZYGOTE_PROGRAM = Path(__file__).with_name("zygote_program.py")


@contextmanager
def zygote_program(
    environment: dict[str, str],
) -> Iterator[tuple[Zygote, subprocess.Popen[bytes]]]:
    """A zygote that was executed, not forked: this process has threads."""
    ours, theirs = socket.socketpair()
    with theirs:
        program = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(_ZYGOTE_PROGRAM), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, **environment},
        )
    zygote = Zygote(ours)
    try:
        yield zygote, program
    finally:
        zygote.close()
        program.wait(TIMEOUT)


class Number:
    """Somebody's number on this machine: launch, link, crash and launch again."""

    def __init__(
        self, whatsapp: WhatsApp, owner: Person, launcher: WhatsAppLauncher, name: str
    ) -> None:
        self.whatsapp = whatsapp
        self.owner = owner
        self.launcher = launcher
        self.session_id = SessionId(name)
        self.spool = launcher.spool(self.session_id)
        self.store = launcher.device_store(self.session_id)
        self.term = 0
        self.received: list[Message] = []

    @property
    def device(self) -> LinkedDevice:
        (device,) = self.owner.linked_devices
        return device

    async def launch(self) -> Running:
        self.term += 1
        row = SessionRow(
            session_id=self.session_id,
            desired_state=DesiredState.CONNECTED,
            desired_revision=1,
        )
        worker = await self.launcher.launch(row, self.term)
        return Running(worker)

    async def resume(self) -> Running:
        running = await self.launch()
        await running.worker.connect(pairing_phone=None)
        await running.event(Signal.CONNECTED)
        return running

    async def link(self) -> Running:
        """Scan the QR, and wait until the phone has told the device all it wants to."""
        running = await self.launch()
        await running.worker.connect(pairing_phone=None)
        qr = await running.event(Signal.QR)
        assert qr.text is not None
        device = await self.owner.phone.scans(qr.text)
        await running.event(Signal.CONNECTED)
        await device.has_everything()
        await running.event(Signal.OFFLINE_SYNC_DONE)
        return running

    async def texts(self) -> list[str]:
        """What the spool holds now and held before; trims it."""
        limits = dict.fromkeys(Lane, 500)
        while (batch := await self.spool.read(limits)) is not None:
            self.received += [one for one in batch.incoming if isinstance(one, Message)]
            await self.spool.trim(batch)
        return [one.body for one in self.received if one.body is not None]

    async def wait_for(self, text: str, running: Running) -> Message:
        """The message with this text, once it is in the spool."""
        async with asyncio.timeout(TIMEOUT):
            while text not in await self.texts():
                await running.event(Signal.SPOOLED)
        return next(one for one in self.received if one.body == text)


class Running:
    """A worker and all it has said so far."""

    def __init__(self, worker: WorkerHandle) -> None:
        self.worker = worker
        self.said: list[WorkerEvent] = []
        self._changed = asyncio.Condition()
        self._taken: dict[Signal, int] = {}
        self._listening = asyncio.create_task(self._listen())

    async def event(self, signal: Signal) -> WorkerEvent:
        """The next event of this kind that nobody has waited for yet."""
        taken = self._taken.get(signal, 0)
        found = await self.until(lambda said: self._of(said, signal)[taken:])
        self._taken[signal] = taken + 1
        return found[0]

    async def ended(self) -> int | None:
        """The exit code."""
        return (await self.event(Signal.EXITED)).code

    async def until(
        self, condition: Callable[[list[WorkerEvent]], list[WorkerEvent]]
    ) -> list[WorkerEvent]:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: condition(self.said))
            return condition(self.said)

    @staticmethod
    def _of(said: list[WorkerEvent], signal: Signal) -> list[WorkerEvent]:
        return [event for event in said if event.signal is signal]

    async def _listen(self) -> None:
        async for event in self.worker.events():
            async with self._changed:
                self.said.append(event)
                self._changed.notify_all()
