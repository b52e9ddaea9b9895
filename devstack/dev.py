"""`make dev`: the local Supabase and the connector, with the real WhatsApp.

Scan the QR with your own phone. What is linked stays linked: data, keys and the device's
state are kept in .zapbase/dev until you delete that folder.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx
from postgrest import APIError
from rich.console import Console

from devstack.app import App, Row
from devstack.connector_process import ConnectorProcess, new_state_key
from devstack.demo.narrator import Narrator
from devstack.stage import supabase_settings
from devstack.supabase.local import LocalSupabase
from devstack.supabase.possession import DirectoryInUse

DIRECTORY: Final = Path(".zapbase/dev")
PORT: Final = 54321  # where `supabase start` serves
AWAY_SECONDS: Final = 5.0  # between questions to a Supabase that does not answer
WAITS_FOR_A_PERSON: Final = ("failed", "logged_out", "replaced")


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
        try:
            asyncio.run(_dev())
        except DirectoryInUse as error:
            sys.stderr.write(f"{error}\n")
            return 1
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
                await _until_interrupted(app, install, connector, narrator)
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


async def _until_interrupted(
    app: App, install: Install, connector: ConnectorProcess, narrator: Narrator
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    tasks = {
        asyncio.ensure_future(_tell_changes(app, install.session_id, narrator)),
        asyncio.ensure_future(_ask_again_at_enter(app, install.session_id, narrator)),
        asyncio.ensure_future(connector.keep_running(narrator.says)),
        asyncio.ensure_future(stopped.wait()),
    }
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()


async def _tell_changes(app: App, session_id: str, narrator: Narrator) -> None:
    told: tuple[object, ...] = ()
    while True:
        try:
            session = await app.session(session_id)
        except (APIError, httpx.HTTPError) as error:
            reason = error.message if isinstance(error, APIError) else error
            narrator.says(f"The local Supabase does not answer: {reason}")
            await asyncio.sleep(AWAY_SECONDS)
            continue
        news = (session["state"], session["state_code"], session["qr_code"])
        if news != told:
            _tell(session, narrator)
            told = news
        await app.changed()


async def _ask_again_at_enter(app: App, session_id: str, narrator: Narrator) -> None:
    """What an app's "Connect" button does, for whoever has only a terminal."""
    pressed = asyncio.Event()
    if sys.stdin.isatty():
        asyncio.get_running_loop().add_reader(sys.stdin, _read_line, pressed)
    while True:
        await pressed.wait()
        pressed.clear()
        narrator.says("Asking to connect.")
        with suppress(APIError, httpx.HTTPError):  # the other task says so
            await app.wants(session_id, "connected")


def _read_line(pressed: asyncio.Event) -> None:
    if sys.stdin.readline():
        pressed.set()
    else:  # closed; it would stay readable for ever
        asyncio.get_running_loop().remove_reader(sys.stdin)


def _tell(session: Row, narrator: Narrator) -> None:
    if session["state_message"]:
        narrator.says(f"[bold]{session['state']}[/]: {session['state_message']}")
    if session["qr_code"]:
        narrator.qr(session["qr_code"])
        picture = DIRECTORY / "qr.png"
        picture.write_bytes(base64.b64decode(session["qr_image"].partition(",")[2]))
        narrator.says(f"If it does not fit your window, open {picture}")
    if session["state"] in WAITS_FOR_A_PERSON:
        narrator.says("Press [bold]Enter[/] to connect again.")


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
    narrator.says("[bold]Ctrl-C[/] ends it; what is linked stays linked.\n")


if __name__ == "__main__":
    sys.exit(main())
