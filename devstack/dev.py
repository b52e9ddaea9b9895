"""`make dev`: the local Supabase and the connector, with the real WhatsApp.

Scan the QR with your own phone. What is linked stays linked: data, keys and the device's
state are kept in .zapbase/dev until you delete that folder.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from devstack.app import App, Row
from devstack.connector_process import ConnectorProcess, new_state_key
from devstack.demo.narrator import Narrator
from devstack.stage import supabase_settings
from devstack.supabase import LocalSupabase

DIRECTORY: Final = Path(".zapbase/dev")
PORT: Final = 54321  # where `supabase start` serves


@dataclass(frozen=True, slots=True)
class Install:
    """What must be the same next time."""

    email: str
    password: str
    workspace_id: str
    session_id: str
    state_key: str

    @classmethod
    def load(cls) -> Install | None:
        with suppress(FileNotFoundError):
            return cls(**json.loads((DIRECTORY / "install.json").read_text("utf-8")))
        return None

    def save(self) -> None:
        file = DIRECTORY / "install.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self)), "utf-8")


def main() -> int:
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_dev())
    return 0


async def _dev() -> None:
    narrator = Narrator(Console(highlight=False))
    narrator.title("Zapbase with the real WhatsApp")
    async with LocalSupabase.start(
        DIRECTORY / "supabase", durable=True, port=PORT
    ) as supabase:
        install = Install.load() or await _installed(supabase)
        connector = ConnectorProcess(
            DIRECTORY / "connector", supabase_settings(supabase), install.state_key
        )
        _print_ways_in(narrator, supabase, install, connector)
        await connector.start()
        try:
            async with App.signed_in(
                supabase, install.email, install.password, install.workspace_id
            ) as app:
                await _until_interrupted(app, install, narrator)
        finally:
            narrator.says("Stopping in order …")
            await connector.close()


async def _installed(supabase: LocalSupabase) -> Install:
    async with App.signed_up(supabase, "Development") as app:
        session_id = await app.adds_number("My number", desired_state="connected")
        install = Install(
            app.email, app.password, app.workspace_id, session_id, new_state_key()
        )
    install.save()
    return install


async def _until_interrupted(app: App, install: Install, narrator: Narrator) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    watching = asyncio.ensure_future(_tell_changes(app, install.session_id, narrator))
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    for task in (watching, stopping):
        task.cancel()
    if watching.done() and not watching.cancelled():
        watching.result()


async def _tell_changes(app: App, session_id: str, narrator: Narrator) -> None:
    told: tuple[object, ...] = ()
    while True:
        session = await app.session(session_id)
        news = (session["state"], session["state_code"], session["qr_code"])
        if news != told:
            _tell(session, narrator)
            told = news
        await app.changed()


def _tell(session: Row, narrator: Narrator) -> None:
    narrator.says(f"[bold]{session['state']}[/]: {session['state_message']}")
    if session["qr_code"]:
        narrator.qr(session["qr_code"])
    if session["state"] == "failed":
        narrator.says(
            "To try again: update wa_sessions set desired_state = 'connected';"
        )


def _print_ways_in(
    narrator: Narrator,
    supabase: LocalSupabase,
    install: Install,
    connector: ConnectorProcess,
) -> None:
    narrator.block(
        f"  API URL          {supabase.url}\n"
        f"  publishable key  {supabase.keys.publishable}\n"
        f"  secret key       {supabase.keys.secret}\n"
        f"  database         psql '{supabase.database_url}'\n"
        f"  signed in as     {install.email}  {install.password}\n"
        f"  session          {install.session_id}\n"
        f"  connector's log  {connector.log_file}"
    )


if __name__ == "__main__":
    sys.exit(main())
