"""The whole stack with one linked number and people to talk to, for measuring."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.app import App
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.whatsapp import Direction, LinkedDevice, MessageFrame, Person
from tests.benchmarks.observer import CommitObserver


@dataclass
class Scene:
    stage: Stage
    app: App
    connector: ConnectorProcess
    owner: Person
    friend: Person
    commits: CommitObserver
    left: dict[str, float]  # message id → when its frame was handed to the device
    arrived: dict[str, float]  # message id → when its frame came from the device
    session_id: str = ""
    first_qr_s: float = 0.0

    @classmethod
    @asynccontextmanager
    async def set_up(cls, directory: Path) -> AsyncIterator[Scene]:
        """With fsync on, as a real Postgres has it."""
        async with (
            Stage.set_up(directory, durable=True) as stage,
            CommitObserver.watching(stage.supabase.database_url) as commits,
        ):
            connector = stage.connector()
            await connector.start()
            scene = cls(
                stage=stage,
                app=await stage.app(),
                connector=connector,
                owner=stage.whatsapp.person("5511912345678", "Owner"),
                friend=stage.whatsapp.person("5521987654321", "Friend"),
                commits=commits,
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
        self.session_id = await self.app.adds_number()
        started = time.monotonic()
        await self.app.wants(self.session_id, "connected")
        code = await self.app.qr_shown(self.session_id)
        self.first_qr_s = time.monotonic() - started
        await self._scan(self.session_id, self.owner, code)

    async def link(self, owner: Person) -> None:
        """One more number."""
        session_id = await self.app.adds_number(desired_state="connected")
        await self._scan(session_id, owner, await self.app.qr_shown(session_id))

    async def _scan(self, session_id: str, owner: Person, code: str) -> None:
        device = await owner.phone.scans(code)
        await self.app.session_is(session_id, "connected", within=20)
        await device.connected()

    @property
    def device(self) -> LinkedDevice:
        return self.owner.linked_devices[0]
