"""So many linked numbers, on one connector and one emulated WhatsApp."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import asyncpg

from devstack.app import UNPACED, App
from devstack.connector_process import ConnectorProcess
from devstack.stage import Stage
from devstack.whatsapp import LinkedDevice

LINKED_AT_ONCE: Final = 6  # more than the connector lets log in, so that it never idles
PATIENCE: Final = 300.0
LOOK_SECONDS: Final = 0.1


@dataclass
class Fleet:
    stage: Stage
    app: App
    connector: ConnectorProcess
    devices: list[LinkedDevice] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def afloat(cls, directory: Path, numbers: int) -> AsyncIterator[Self]:
        """All linked and online. Raises TimeoutError."""
        async with Stage.set_up(directory) as stage:
            connector = stage.connector(WA_MAX_SESSIONS=str(numbers))
            await connector.start()
            app = await stage.app()
            # Nobody watches: what Realtime tells subscribers is measured elsewhere.
            await app.client.realtime.close()
            fleet = cls(stage, app, connector)
            await fleet._link(numbers)
            yield fleet

    async def _link(self, numbers: int) -> None:
        room = asyncio.Semaphore(LINKED_AT_ONCE)

        async def link(number: int) -> None:
            async with room:
                await self._link_one(f"55119{number:08}")

        async with asyncio.TaskGroup() as linking:
            for number in range(numbers):
                linking.create_task(link(number))
        await self.until_online(numbers)

    async def _link_one(self, number: str) -> None:
        owner = self.stage.whatsapp.person(number, "Owner")
        session_id = await self.app.adds_number(
            "Fleet", desired_state="connected", **UNPACED
        )
        code = await self.app.qr_shown(session_id, within=PATIENCE)
        self.devices.append(await owner.phone.scans(code))
        self.sessions.append(session_id)
        await self.app.session_is(session_id, "connected", within=PATIENCE)

    def online(self, since: float) -> int:
        """Numbers that WhatsApp sees online, by a login after this Unix time."""
        logins = self.stage.whatsapp.logins
        return len(
            {
                login.device.address
                for login in logins
                if login.at >= since and login.active_at and not login.ended_at
            }
        )

    async def until_online(self, count: int, since: float = 0.0) -> float:
        """When so many were, in Unix seconds. Raises TimeoutError."""
        await self.stage.whatsapp.until(
            lambda: self.online(since) >= count, timeout=PATIENCE
        )
        return time.time()

    async def left_behind(self) -> int:
        """Sessions that do not become `connected`, as members see it, however long."""
        query = "select count(*) from public.wa_sessions where state <> 'connected'"
        database = await asyncpg.connect(self.stage.supabase.database_url)
        deadline = time.monotonic() + PATIENCE
        try:
            while missing := await database.fetchval(query):
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await database.close()
        return int(missing)

    async def events(self) -> dict[str, int]:
        """Rows of wa_events by code."""
        database = await asyncpg.connect(self.stage.supabase.database_url)
        try:
            rows = await database.fetch(
                "select code, count(*) as rows from public.wa_events group by code"
            )
        finally:
            await database.close()
        return {row["code"]: row["rows"] for row in rows}
