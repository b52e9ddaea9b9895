"""Ana's number with its worker, and people who hear what it sends and open its files."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector import sealed_files
from connector.adapters.whatsapp.process import worker_handle
from connector.adapters.whatsapp.process.launcher import WhatsAppLauncher
from connector.domain.addresses import Jid
from connector.domain.changes import Vote
from connector.domain.outgoing import (
    MediaKind,
    OutgoingContent,
    OutgoingMessage,
    Target,
    Uploaded,
)
from connector.environment import ENVIRONMENT
from connector.ports import Attempt, Lane, SealedFile, Sent, Signal
from devstack.whatsapp import Group, HeardMessage, Person, WhatsApp
from devstack.whatsapp.stanza_kinds import unwrapped
from tests.contract.linked_number import (
    KEY,
    ROOMY,
    TIMEOUT,
    Number,
    Running,
    zygote_program,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass(slots=True)
class World:
    whatsapp: WhatsApp
    ana: Person
    bob: Person
    carla: Person
    family: Group
    number: Number
    running: Running
    folder: Path
    zygote_id: int  # of its process
    _names: Any = field(default_factory=itertools.count)

    @property
    def worker(self) -> worker_handle.WorkerHandle:
        return self.running.worker

    async def send(self, to: Jid, content: OutgoingContent, **beside: Any) -> Told:
        """Send, and hear it as Bob does; its secret must be in the store by then."""
        secret = os.urandom(32)
        message = OutgoingMessage(content=content, **beside)
        sent = await self.worker.send(to, message, secret)
        heard = await self.bob.hears(timeout=TIMEOUT)
        assert heard.whatsapp_id == sent.whatsapp_id
        assert heard.message.messageContextInfo.messageSecret == secret
        assert await self.number.store.find_attempt(secret) == Attempt(
            whatsapp_id=sent.whatsapp_id
        )
        return Told(sent, heard)

    async def vote_on(self, poll: Sent) -> Vote:
        limits = dict.fromkeys(Lane, 500)
        async with asyncio.timeout(TIMEOUT):
            while True:
                while (batch := await self.number.spool.read(limits)) is not None:
                    await self.number.spool.trim(batch)
                    for one in batch.incoming:
                        if (
                            isinstance(one, Vote)
                            and one.whatsapp_id == poll.whatsapp_id
                        ):
                            return one
                await self.running.event(Signal.SPOOLED)

    def private_memory(self) -> int:
        """Bytes that the worker has for itself."""
        task = Path(f"/proc/{self.zygote_id}/task/{self.zygote_id}/children")
        [worker] = task.read_text("ascii").split()
        lines = Path(f"/proc/{worker}/smaps_rollup").read_text("ascii").splitlines()
        sizes = [line.split()[1] for line in lines if line.startswith("Private_")]
        return sum(map(int, sizes)) * 1024

    def sealed(self, plain: bytes, media_type: str) -> SealedFile:
        path, key = self.folder / f"{next(self._names)}", sealed_files.new_key()
        path.write_bytes(sealed_files.sealing(key).update(plain))
        return SealedFile(path=path, key=key, media_type=media_type, size=len(plain))

    async def uploaded(self, plain: bytes, kind: MediaKind) -> Uploaded:
        return await self.worker.upload(self.sealed(plain, kind.media_type))


@dataclass(frozen=True, slots=True)
class Told:
    sent: Sent
    heard: HeardMessage

    @property
    def message(self) -> Any:
        """The message proper."""
        return unwrapped(self.heard.message)

    def as_target(self, chat: Jid) -> Target:
        return Target(
            whatsapp_id=self.sent.whatsapp_id, chat=chat, sender=None, sent_at=NOW
        )


@asynccontextmanager
async def talking_number(folder: Path) -> AsyncIterator[World]:
    async with WhatsApp.start(folder / "whatsapp") as whatsapp:
        ana = whatsapp.person("5511912345678", "Ana")
        bob = whatsapp.person("5521987654321", "Bob")
        carla = whatsapp.person("5531976543210", "Carla")
        family = whatsapp.group("Família", owner=ana, members=[bob, carla])
        with zygote_program({**ENVIRONMENT, **whatsapp.environment}) as (
            zygote,
            program,
        ):
            launcher = WhatsAppLauncher(zygote, folder / "data", [KEY], ROOMY)
            number = Number(whatsapp, ana, launcher, "session-1")
            running = await number.link()
            yield World(
                whatsapp, ana, bob, carla, family, number, running, folder, program.pid
            )
            await running.worker.stop()
            launcher.close()
        assert whatsapp.unanswered == []
        assert whatsapp.escaped == []


def address(jid: object) -> Jid:
    return Jid.parse(str(jid))
