"""The gateway as a child process of whoever runs a local Supabase."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from devstack.supabase.gateway.config import GatewayConfig
from devstack.supabase.gateway.faults import Faults
from devstack.supabase.processes import Child, ChildEnded, end_of

START_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.02
REPOSITORY = Path(__file__).parents[2]


class Gateway:
    """`start`, `stop`, `kill`, `freeze` and `thaw`; the port never changes."""

    def __init__(self, config: GatewayConfig, *, keys_file: Path, log: Path) -> None:
        self._config = config
        self._environment = config.to_environment(keys_file)
        self._environment["PYTHONPATH"] = str(REPOSITORY)
        self.faults = Faults(config.faults_file)
        self.faults.heal()  # what an earlier run was to suffer
        self._log = log
        self._child: Child | None = None

    async def start(self) -> None:
        """Return when it serves and reaches Postgres; raises ChildEnded."""
        if self._child is not None and self._child.running:
            return
        with self._log.open("ab") as log:
            self._child = await Child.launch(
                [sys.executable, "-m", "devstack.supabase.gateway"],
                log=log,
                environment=self._environment,
            )
        async with asyncio.timeout(START_SECONDS):
            while not await self._healthy():
                if not self._child.running:
                    raise ChildEnded(f"The gateway did not start: {end_of(self._log)}")
                await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop(signal.SIGTERM, STOP_SECONDS)

    async def kill(self) -> None:
        if self._child is not None:
            await self._child.kill()

    def freeze(self) -> None:
        """Stop answering while connections stay open (and the port takes new ones)."""
        if self._child is not None:
            self._child.freeze()

    def thaw(self) -> None:
        if self._child is not None:
            self._child.thaw()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def _healthy(self) -> bool:
        patience = aiohttp.ClientTimeout(total=START_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.get(f"{self._config.url}/health") as answer,
            ):
                return answer.ok
        except aiohttp.ClientError:
            return False
