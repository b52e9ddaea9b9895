"""A Supabase project, an emulated WhatsApp, connectors, and users of an app.

The project is a local one, unless the environment names another (devstack/supabase/project.py).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from devstack.app import App
from devstack.connector_process import ConnectorProcess
from devstack.supabase.local import LocalSupabase
from devstack.supabase.project import Project, given_project
from devstack.whatsapp import WhatsApp


@dataclass
class Stage:
    """Connectors and apps come and go; the rest stays until the block ends."""

    directory: Path
    supabase: Project
    whatsapp: WhatsApp
    _exits: AsyncExitStack

    @classmethod
    @asynccontextmanager
    async def set_up(
        cls, directory: Path, *, durable: bool = False
    ) -> AsyncIterator[Stage]:
        async with AsyncExitStack() as exits:
            supabase: Project | None = given_project(os.environ)
            if supabase is None:
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
            supabase_settings(self.supabase) | self._environment() | settings,
        )
        self._exits.push_async_callback(connector.close)
        return connector

    def _environment(self) -> dict[str, str]:
        environment = self.whatsapp.environment
        # Only WhatsApp's hosts exist behind the emulator's proxy.
        host = urlsplit(self.supabase.url).hostname
        direct = f"{environment['NO_PROXY']},{host}"
        return environment | {"NO_PROXY": direct, "no_proxy": direct}

    async def app(self, name: str = "Ana's shop") -> App:
        """A new user of an app, in a workspace of their own."""
        return await self._exits.enter_async_context(App.signed_up(self.supabase, name))


def supabase_settings(supabase: Project) -> dict[str, str]:
    return {"SUPABASE_URL": supabase.url, "SUPABASE_SECRET_KEY": supabase.keys.secret}
