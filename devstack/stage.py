"""Everything on one machine: Supabase, WhatsApp, the connector, and users of an app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.app import App
from devstack.connector_process import ConnectorProcess
from devstack.supabase import LocalSupabase
from devstack.whatsapp import WhatsApp


@dataclass
class Stage:
    """A local Supabase and an emulated WhatsApp; connectors and apps come and go."""

    directory: Path
    supabase: LocalSupabase
    whatsapp: WhatsApp
    _exits: AsyncExitStack

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls, directory: Path, *, durable: bool = False
    ) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as exits:
            supabase = await exits.enter_async_context(
                LocalSupabase.start(directory / "supabase", durable=durable)
            )
            whatsapp = await exits.enter_async_context(
                WhatsApp.start(directory / "whatsapp")
            )
            yield cls(directory, supabase, whatsapp, exits)

    def connector(self, name: str = "connector", **settings: str) -> ConnectorProcess:
        """A connector with a data folder of its own, not started yet."""
        connector = ConnectorProcess(
            self.directory / name,
            supabase_settings(self.supabase) | self.whatsapp.environment | settings,
        )
        self._exits.push_async_callback(connector.close)
        return connector

    async def app(self, name: str = "Ana's shop") -> App:
        """A new user of an app, in a workspace of their own."""
        return await self._exits.enter_async_context(App.signed_up(self.supabase, name))


def supabase_settings(supabase: LocalSupabase) -> dict[str, str]:
    return {"SUPABASE_URL": supabase.url, "SUPABASE_SECRET_KEY": supabase.keys.secret}
