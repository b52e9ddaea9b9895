"""All checks in turn, those that need an answer only when there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from connector import logs
from connector.adapters.supabase.client import SupabaseClient
from connector.doctor import machine, project
from connector.doctor.findings import (
    Finding,
    all_is_well,
    as_text,
    bad,
    good,
)
from connector.doctor.findings import as_json as findings_as_json
from connector.errors import InvalidSetting
from connector.machine import Memory, allow_open_files
from connector.sealing import Sealer
from connector.settings import Settings


def examine(environment: Mapping[str, str], *, as_json: bool) -> tuple[str, bool]:
    """Check everything; what to print, and whether all is well."""
    logs.configure("error")
    findings = asyncio.run(examined(environment))
    told = findings_as_json(findings) if as_json else as_text(findings)
    return told, all_is_well(findings)


async def examined(environment: Mapping[str, str]) -> list[Finding]:
    """Nothing here changes anything but a file of its own in Storage."""
    try:
        settings = Settings.from_environment(environment)
    except InvalidSetting as error:
        cure = "Set the variables that the README lists."
        wrong = [bad("settings", line, cure) for line in str(error).splitlines()]
        return [*wrong, await asyncio.to_thread(machine.neonize)]
    on_machine = await asyncio.to_thread(_machine, settings)
    return [
        good("settings", "All are there and well-formed."),
        *on_machine,
        *await _project(settings),
    ]


def _machine(settings: Settings) -> list[Finding]:
    path = settings.data_directory
    return [
        machine.folder(path),
        machine.disk(path),
        machine.memory(Memory().limit(), settings.max_sessions),
        machine.open_files(allow_open_files()),
        machine.state_key(path, Sealer(settings.state_keys)),
        machine.neonize(),
    ]


async def _project(settings: Settings) -> list[Finding]:
    client = SupabaseClient(settings.supabase_url, settings.supabase_secret_key)
    try:
        found, answer = await project.reached(client)
        if answer is None:
            return [found]
        return [
            found,
            project.schema(answer),
            project.doors(answer),
            project.realtime_tables(answer),
            project.clock(answer),
            await project.saved_states(client, Sealer(settings.state_keys)),
            await project.doorbell(settings.supabase_url, settings.supabase_secret_key),
            await project.storage(client),
        ]
    finally:
        await client.aclose()
