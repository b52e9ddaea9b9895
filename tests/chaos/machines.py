"""A machine with a connector, behind a wire to Supabase and another to WhatsApp."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from devstack.connector_process import ConnectorProcess
from devstack.relay import Relay
from devstack.stage import Stage
from tests.chaos.disturbances import LEASE_SECONDS

SETTINGS: Final = {"WA_LEASE_SECONDS": str(LEASE_SECONDS), "WA_POLL_SECONDS": "1"}


@dataclass(slots=True)
class Machine:
    """`lives` are its connectors, one for each disk it had; the last one is there."""

    name: str
    stage: Stage
    state_key: str
    to_supabase: Relay
    to_whatsapp: Relay
    lives: list[ConnectorProcess] = field(default_factory=list)
    coming_or_going: asyncio.Lock = field(default_factory=asyncio.Lock)
    _said_before: int = 0  # bytes of its log

    @classmethod
    @asynccontextmanager
    async def wired(
        cls, name: str, stage: Stage, state_key: str
    ) -> AsyncIterator[Machine]:
        """Not started yet. Whole wires, whatever became of them, when it ends."""
        proxy = stage.whatsapp.environment["HTTPS_PROXY"]
        async with AsyncExitStack() as exits:
            supabase = await exits.enter_async_context(Relay.to(stage.supabase.url))
            whatsapp = await exits.enter_async_context(Relay.to(proxy))
            machine = cls(name, stage, state_key, supabase, whatsapp)
            machine.gets_a_disk()
            try:
                yield machine
            finally:
                for wire in (supabase, whatsapp):
                    wire.mend()
                await asyncio.gather(*(life.close() for life in machine.lives))

    @property
    def connector(self) -> ConnectorProcess:
        return self.lives[-1]

    @property
    def caller(self) -> str:
        """As whom its workers dial WhatsApp: another name with each disk."""
        return _caller(self.name, len(self.lives))

    @property
    def callers(self) -> list[str]:
        return [_caller(self.name, n) for n in range(1, len(self.lives) + 1)]

    def gets_a_disk(self) -> None:
        """An empty one. What is on the last one nobody looks at any more but us."""
        caller = _caller(self.name, len(self.lives) + 1)
        proxy = urlsplit(self.to_whatsapp.url)
        proxy = proxy._replace(netloc=f"{caller}@{proxy.netloc}")
        connector = self.stage.connector(
            caller,
            SUPABASE_URL=self.to_supabase.url,
            HTTPS_PROXY=proxy.geturl(),
            https_proxy=proxy.geturl(),
            **SETTINGS,
        )
        connector.state_key = self.state_key
        self.lives.append(connector)

    async def starts(self) -> None:
        log = self.connector.log_file
        self._said_before = log.stat().st_size if log.exists() else 0
        await self.connector.start()

    @property
    def has_begun(self) -> bool:
        """Whether it has come as far as to listen to signals, since it was started.

        It does once it has looked at Supabase, or for it in vain.
        """
        with self.connector.log_file.open("rb") as log:
            log.seek(self._said_before)
            return _LOOKS.search(log.read()) is not None

    def runs(self, session_id: str) -> bool:
        try:
            self.connector.worker_pid(session_id)
        except LookupError:
            return False
        return True

    def holder(self, caller: str) -> str | None:
        """The name in Postgres of the connector that dials as `caller`, if it is ours."""
        for number, life in enumerate(self.lives, start=1):
            if _caller(self.name, number) == caller:
                file = life.data_folder / "holder"
                return file.read_text("utf-8").strip() if file.exists() else None
        return None


_LOOKS: Final = re.compile(rb"doorbell|lease gained|supabase (?:away|refuses)")


def _caller(name: str, number: int) -> str:
    return f"{name}-{number}"
