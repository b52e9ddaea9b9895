"""`zapbase keys list` and `zapbase keys rotate`: which keys are needed, and their exchange.

Beside a running connector or without one. Keys are told by their ids, which tell nothing
of them: the first 8 hexadecimal digits of their SHA-256.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from connector import logs
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.device_state import SupabaseDeviceStates
from connector.adapters.supabase.keys import (
    SupabaseBorrowedLeases,
    SupabaseDeviceStateKeys,
)
from connector.commands import CommandFailed, table
from connector.data_folder import keys_in_use
from connector.errors import ConnectorError
from connector.keys.exchange import Done, Uses, exchange_all, uses
from connector.keys.saved_states import SavedStates
from connector.sealed_state import StateSeal
from connector.sealing import Sealer
from connector.settings import Settings

_ELSEWHERE = (
    "What other machines keep on their disks is not seen from here: run this on each."
)


def run(chosen: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Do what was chosen; what to print, and whether no earlier key is needed.

    Raises InvalidSetting, CommandFailed.
    """
    logs.configure("error")
    settings = Settings.from_environment(environment)
    try:
        if chosen.action == "rotate":
            return asyncio.run(_rotate(settings))
        found = asyncio.run(_look(settings))
    except (ConnectorError, OSError) as error:
        done = " What was done by then is done." if chosen.action == "rotate" else ""
        raise CommandFailed(f"{error}{done}") from error
    return (as_json if chosen.json else as_text)(found, _sealer(settings)), True


@dataclass(frozen=True, slots=True)
class _Needed:
    """For one key; the order is that of the table."""

    key: str
    configured: str
    saved_states: int
    running: int
    being_sent: int
    here: int


async def _look(settings: Settings) -> Uses:
    client = SupabaseClient(settings.supabase_url, settings.supabase_secret_key)
    try:
        return await uses(SupabaseDeviceStateKeys(client), settings.data_directory)
    finally:
        await client.aclose()


# --- rotate --------------------------------------------------------------------------


async def _rotate(settings: Settings) -> tuple[str, bool]:
    sealer = _sealer(settings)
    _insist_that_others_know(settings, sealer)
    client = SupabaseClient(settings.supabase_url, settings.supabase_secret_key)
    keys = SupabaseDeviceStateKeys(client)
    saved = SavedStates(
        states=SupabaseDeviceStates(client),
        keys=keys,
        leases=SupabaseBorrowedLeases(client),
        seal=lambda session_id: StateSeal.of(session_id, settings.state_keys),
    )
    try:
        done = await exchange_all(keys, saved, settings.data_directory, sealer)
    finally:
        await client.aclose()
    return told(done, await _look(settings), sealer)


def _insist_that_others_know(settings: Settings, sealer: Sealer) -> None:
    if not settings.data_directory.is_dir():
        return  # an operator's own machine, from where the project is seen to
    theirs = keys_in_use(settings.data_directory)
    if theirs is not None and sealer.current_key not in theirs:
        raise CommandFailed(
            "The connector that runs here does not have the new key yet: restart it"
            " with WA_STATE_KEY=<new>,<old>, then run this again. Nothing was changed."
        )


def told(done: Done, left: Uses, sealer: Sealer) -> tuple[str, bool]:
    still = list(_still_needed(left, sealer))
    now = f"Sealed anew, with key {sealer.current_key}"
    lines = [f"{now}: {done.states} saved states, {done.values} values in this folder."]
    if still:
        lines += ["An earlier key is still needed:", *(f"- {each}" for each in still)]
    else:
        lines.append(
            "Nothing in the project or in this folder needs an earlier key. Once every"
            " other machine says so, WA_STATE_KEY=<new> alone is enough."
        )
    return "\n".join([*lines, _ELSEWHERE]), not still


def _still_needed(left: Uses, sealer: Sealer) -> Iterator[str]:
    for needed, what, cure in _needs(left, sealer):
        found = {key: n for key, n in needed.items() if key != sealer.current_key}
        if found:
            keys = ", ".join(sorted(key or "?" for key in found))
            yield f"by {sum(found.values())} {what} (key {keys}): {cure}."
    if left.unread:
        yield f"perhaps by {left.unread} sessions here that cannot be read: see to the disk."


def _needs(left: Uses, sealer: Sealer) -> Iterator[tuple[Mapping[str, int], str, str]]:
    """How much needs each key, what it is, and what helps."""
    yield from (
        (
            left.running,
            "running sessions",
            (
                "restart their connectors with both keys, the new one first; if that is"
                " done, or this was cut off, run it again in half a minute"
            ),
        ),
        (
            _known(left.resting, sealer),
            "saved states",
            "they were in use, or are damaged: run this again, and look at `wa_sessions`",
        ),
        (
            _unknown(left.resting, sealer),
            "saved states that do not open",
            "add their key to WA_STATE_KEY, or log them out and link them anew",
        ),
        (
            left.sending,
            "messages that are being sent",
            "without it they may become `uncertain`: wait until they are settled",
        ),
        (
            _known(left.here, sealer),
            "values in this folder",
            "they came meanwhile, or are damaged: run this again",
        ),
        (
            _unknown(left.here, sealer),
            "values in this folder that do not open",
            "add their key to WA_STATE_KEY, after a comma",
        ),
    )


def _known(needed: Mapping[str, int], sealer: Sealer) -> Mapping[str, int]:
    return {key: count for key, count in needed.items() if sealer.has_key(key)}


def _unknown(needed: Mapping[str, int], sealer: Sealer) -> Mapping[str, int]:
    return {key: count for key, count in needed.items() if not sealer.has_key(key)}


# --- list ----------------------------------------------------------------------------


def _needed(found: Uses, sealer: Sealer) -> Iterator[_Needed]:
    configured = sealer.key_ids
    for key in [*configured, *(each for each in found.keys if each not in configured)]:
        use = "seals" if key == sealer.current_key else "opens"
        yield _Needed(
            key=key or "?",
            configured=use if key in configured else "no",
            saved_states=found.resting[key] + found.running[key],
            running=found.running[key],
            being_sent=found.sending[key],
            here=found.here[key],
        )


def as_json(found: Uses, sealer: Sealer) -> str:
    keys = [asdict(each) for each in _needed(found, sealer)]
    return json.dumps({"keys": keys, "unread": found.unread}, indent=2)


def as_text(found: Uses, sealer: Sealer) -> str:
    head = ("KEY", "WA_STATE_KEY", "SAVED STATES", "RUNNING", "BEING SENT", "HERE")
    rows = [
        [str(cell) for cell in asdict(each).values()] for each in _needed(found, sealer)
    ]
    unread = f"{found.unread} sessions here cannot be read: see to the disk."
    told = [unread] if found.unread else []
    return "\n".join([*table(head, rows), *told, _ELSEWHERE])


def _sealer(settings: Settings) -> Sealer:
    return Sealer(settings.state_keys)
