"""The whole stack with one linked number and people to talk to, for measuring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from devstack.app import UNPACED, App
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.whatsapp import Direction, LinkedDevice, MessageFrame, Person
from tests.benchmarks.observer import FILES, MESSAGES, CommitObserver
from tests.benchmarks.sizes import Sizes

SEND_PATIENCE: Final = 120.0
LINK_PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Linked:
    """A number that is linked and connected."""

    session_id: str
    owner: Person
    device: LinkedDevice

    @classmethod
    async def by_qr(cls, app: App, owner: Person) -> Linked:
        """One more number of the app's. Raises TimeoutError."""
        session_id = await app.adds_number(
            "Support", desired_state="connected", **UNPACED
        )
        code = await app.qr_shown(session_id, within=LINK_PATIENCE)
        return await cls.scanned(app, session_id, owner, code)

    @classmethod
    async def scanned(
        cls, app: App, session_id: str, owner: Person, code: str
    ) -> Linked:
        device = await owner.phone.scans(code)
        await app.session_is(session_id, "connected", within=LINK_PATIENCE)
        await device.connected(timeout=LINK_PATIENCE)
        return cls(session_id, owner, device)


@dataclass
class Scene:
    sizes: Sizes
    stage: Stage
    app: App
    connector: ConnectorProcess
    owner: Person
    friend: Person
    commits: CommitObserver
    files: CommitObserver
    left: dict[str, float]  # message id → when its frame was handed to the device
    arrived: dict[str, float]  # message id → when its frame came from the device
    first_qr_s: float = 0.0
    first: Linked = field(init=False)

    @classmethod
    @asynccontextmanager
    async def set_up(cls, directory: Path, sizes: Sizes) -> AsyncIterator[Scene]:
        """With fsync on, as a real Postgres has it."""
        async with (
            Stage.set_up(directory, durable=True) as stage,
            CommitObserver.watching(stage.supabase.database_url, MESSAGES) as commits,
            CommitObserver.watching(stage.supabase.database_url, FILES) as files,
        ):
            connector = stage.connector()
            await connector.start()
            scene = cls(
                sizes=sizes,
                stage=stage,
                app=await stage.app(),
                connector=connector,
                owner=stage.whatsapp.person("5511912345678", "Owner"),
                friend=stage.whatsapp.person("5521987654321", "Friend"),
                commits=commits,
                files=files,
                left={},
                arrived={},
            )
            stage.whatsapp.frames.on_message_frame(scene._note)
            await scene._link_first()
            yield scene

    def _note(self, frame: MessageFrame) -> None:
        times = self.left if frame.direction is Direction.TO_DEVICE else self.arrived
        times.setdefault(frame.whatsapp_id, frame.at)

    async def _link_first(self) -> None:
        session_id = await self.app.adds_number("Support", **UNPACED)
        started = time.monotonic()
        await self.app.wants(session_id, "connected")
        code = await self.app.qr_shown(session_id)
        self.first_qr_s = time.monotonic() - started
        self.first = await Linked.scanned(self.app, session_id, self.owner, code)

    async def link(self, owner: Person) -> Linked:
        """One more number."""
        return await Linked.by_qr(self.app, owner)

    @property
    def session_id(self) -> str:
        return self.first.session_id

    @property
    def device(self) -> LinkedDevice:
        return self.first.device

    def processes_of(self, number: Linked) -> dict[str, int]:
        """The two that a number's messages pass through."""
        worker = self.connector.worker_pid(number.session_id)
        return {"supervisor": self.connector.pid, "worker": worker}

    async def sends(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[float]:
        """Rows to the friend, in one statement; when the frame of each came.

        Raises TimeoutError.
        """
        known = set(self.arrived)
        to_friend = {"session_id": self.session_id, "to": self.friend.number}
        await (
            self.app.client.table("wa_outbox")
            .insert([{**to_friend, **row} for row in rows])
            .execute()
        )
        async with asyncio.timeout(SEND_PATIENCE):
            while len(self.arrived) - len(known) < len(rows):
                await self.friend.hears(timeout=SEND_PATIENCE)
        return [at for name, at in self.arrived.items() if name not in known]

    async def friend_says(self, what: str, count: int) -> list[str]:
        """So many texts at once; their ids."""
        return [
            (await self.friend.says(self.owner, f"{what} {number}")).whatsapp_id
            for number in range(count)
        ]
