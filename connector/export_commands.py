"""`zapbase session export` and `zapbase session import`: a number's keys in a sealed file."""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from connector import logs
from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.device_state import SupabaseDeviceStates
from connector.adapters.supabase.keys import SupabaseBorrowedLeases
from connector.clock import SystemClock
from connector.commands import WRONG_USE, CommandFailed
from connector.errors import ConnectorError
from connector.keys.exported import PURPOSE, ExportUnusable
from connector.keys.moving import Moving, NotMoved, Resting
from connector.ports import SessionId
from connector.sealed_state import StateSeal
from connector.sealing import KEY_SIZE, Sealer
from connector.settings import Settings

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NEVER_TWICE: Final = (
    "The same keys must never run twice: WhatsApp would cut one off for the other, and"
    " messages would be lost without a word."
)


def run(chosen: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """Do what was chosen; what to print. Raises InvalidSetting, CommandFailed."""
    logs.configure("error")
    settings = Settings.from_environment(environment)
    try:
        if chosen.action == "export":
            return asyncio.run(_export(settings, chosen))
        return asyncio.run(_import(settings, chosen))
    except (NotMoved, ExportUnusable, ConnectorError) as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandFailed(
            f"{error.filename or 'A file'}: {error.strerror}."
        ) from error


async def _export(settings: Settings, chosen: argparse.Namespace) -> str:
    session_id, path = _session(chosen.session), Path(chosen.to)
    async with _moving(settings) as moving, moving.resting(session_id) as resting:
        with _sealing(settings, chosen) as sealer, new_file(path) as file:
            done = await moving.export(resting, file, sealer)
        if chosen.move:
            await _forget(moving, resting, path)
    size = done.pages * done.page_size // 1000
    missed = "" if done.complete else " Its last two seconds may be missing: it heals."
    kept = (
        "Nothing of it is left in this project: this file is the number now."
        if chosen.move
        else f"{_NEVER_TWICE} Once it is imported elsewhere, never connect this session"
        " again; --move makes sure of it."
    )
    return (
        f"Session {session_id}: {size} kB, sealed with key {sealer.current_key}, are in"
        f" {path}.{missed}\n{kept}"
    )


async def _forget(moving: Moving, resting: Resting, path: Path) -> None:
    try:
        await moving.forget(resting)
    except ConnectorError as error:
        # It may be done all the same: only the answer may have been lost.
        raise CommandFailed(
            f"{error} {path} is whole, but whether this project still has the number's"
            " keys is not known. Keep that file, and export again with --move, into"
            " another: if nothing is saved any more, the first one is the number."
        ) from error


async def _import(settings: Settings, chosen: argparse.Namespace) -> str:
    into = None if chosen.into is None else _session(chosen.into)
    sealer = _sealer(settings, chosen.key_file)
    async with _moving(settings) as moving:
        session_id = await moving.bring_in(
            Path(chosen.file), into, sealer, replace=chosen.replace
        )
    return (
        f"Session {session_id} has the number's keys: set its desired_state to"
        " 'connected', and it connects without a QR code.\n"
        f"{_NEVER_TWICE} Never connect the session again that this was exported from,"
        " nor import this file elsewhere."
    )


@contextlib.asynccontextmanager
async def _moving(settings: Settings) -> AsyncIterator[Moving]:
    client = SupabaseClient(settings.supabase_url, settings.supabase_secret_key)
    try:
        yield Moving(
            states=SupabaseDeviceStates(client),
            leases=SupabaseBorrowedLeases(client),
            seal=lambda session_id: StateSeal.of(session_id, settings.state_keys),
            clock=SystemClock(),
        )
    finally:
        await client.aclose()


def _session(text: str) -> SessionId:
    if not _UUID.fullmatch(text.lower()):
        raise CommandFailed("A session is named by its id in wa_sessions.", WRONG_USE)
    return SessionId(text.lower())


# --- files ---------------------------------------------------------------------------


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there whole in the end, or not; nobody else may read it.

    Raises CommandFailed.
    """
    if path.exists():
        raise CommandFailed(f"{path} is there already: choose another name.", WRONG_USE)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - for its mode
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """After a power cut the name is there, too: the project may forget what it names."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _sealing(settings: Settings, chosen: argparse.Namespace) -> Iterator[Sealer]:
    """The key of a new file; one that is made for it stays only if the file does."""
    if chosen.new_key is None:
        yield _sealer(settings, chosen.key_file)
        return
    key, path = secrets.token_bytes(KEY_SIZE), Path(chosen.new_key)
    with new_file(path) as file:
        file.write(base64.b64encode(key) + b"\n")
    try:
        yield Sealer([key], PURPOSE)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _sealer(settings: Settings, key_file: str | None) -> Sealer:
    if key_file is not None:
        return Sealer([_key_in(Path(key_file))], PURPOSE)
    return Sealer(settings.state_keys, PURPOSE)


def _key_in(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_SIZE:
        raise CommandFailed(
            f"{path} holds no key: it must be 32 bytes in base64, as --new-key or"
            " `openssl rand -base64 32` makes them.",
            WRONG_USE,
        )
    return key
