"""What saving a number's keys costs: bytes a message, and one save beside its bare upload."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.device_state import SupabaseDeviceStates
from connector.adapters.whatsapp.process.orders import STORE_NAME
from connector.adapters.whatsapp.store.local_state import LocalStore
from connector.clock import SystemClock
from connector.domain.device_state import Head
from connector.ports import SealedPage, SessionId
from connector.sealed_state import StateSeal
from connector.sessions.kept_state import KeptState
from connector.sessions.state_saving import Saving
from tests.benchmarks import bare
from tests.benchmarks.figures import Figures, percentiles
from tests.benchmarks.scene import Linked, Scene

PER_SECOND: Final = 10
PAGES: Final = 5  # that such a second changes, and most of them at their end
UNTIL_SAVED: Final = 2.5  # seconds
TERM: Final = 1
# Page by page, as they are stored: what was replaced since counts as well.
COUNTING: Final = """
create table public.bench_saved (bytes bigint);
create function public.bench_saved() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.bench_saved select sum(octet_length(fresh.sealed)) from fresh;
  return null;
end $$;
create trigger bench_saved after insert on wa_private.device_pages
referencing new table as fresh for each statement execute function public.bench_saved();
"""
FORGOTTEN: Final = """
drop function public.bench_saved cascade;
drop table public.bench_saved;
"""


async def saving(scene: Scene) -> Figures:
    """At 10 messages a second; and of a store where as much changes."""
    number = await scene.link(scene.stage.whatsapp.person("5511955550200", "Keys"))
    counted = await _bytes_per_message(scene, number)
    await scene.app.wants(number.session_id, "disconnected")
    await scene.app.session_is(number.session_id, "disconnected")
    folder = scene.connector.data_folder / "sessions" / number.session_id
    saves = await _timed(scene, folder)
    return {
        "state_bytes_per_message": round(counted),
        "state_save_ms": percentiles(saves.ours),
        "state_bare_upload_ms": percentiles(saves.bare),
    }


async def _bytes_per_message(scene: Scene, number: Linked) -> float:
    connection = await asyncpg.connect(scene.stage.supabase.database_url)
    try:
        await asyncio.sleep(UNTIL_SAVED)  # what linking changed is saved
        await connection.execute(COUNTING)
        for count in range(scene.sizes.saved_messages):
            await scene.friend.says(number.owner, f"saved {count}")
            await asyncio.sleep(1 / PER_SECOND)
        await number.device.has_everything()
        await asyncio.sleep(UNTIL_SAVED)
        total = await connection.fetchval("select sum(bytes) from public.bench_saved")
        await connection.execute(FORGOTTEN)
    finally:
        await connection.close()
    return float(total or 0) / scene.sizes.saved_messages


# --- one save after the other ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saves:
    ours: Sequence[float]
    bare: Sequence[float]


@dataclass(frozen=True, slots=True)
class Upload:
    head: Head
    page_count: int
    pages: Sequence[SealedPage]


class NotedStates(SupabaseDeviceStates):
    """Remembers what was uploaded, so that it can be once more."""

    def __init__(self, client: SupabaseClient) -> None:
        super().__init__(client)
        self.uploads: list[Upload] = []

    async def save(
        self,
        session_id: SessionId,
        term: int,
        head: Head,
        page_count: int,
        pages: Sequence[SealedPage],
        *,
        fresh: bool,
    ) -> None:
        self.uploads.append(Upload(head, page_count, pages))
        await super().save(session_id, term, head, page_count, pages, fresh=fresh)


async def _timed(scene: Scene, source: Path) -> Saves:
    """Looking, sealing, uploading and noting; then the same uploads and nothing else."""
    async with _client(scene) as client:
        states = NotedStates(client)
        session_id = SessionId(await bare.unattended_number(scene))
        folder = scene.stage.directory / "kept"
        await asyncio.to_thread(_copy, source, folder)
        seal = StateSeal.of(session_id, [secrets.token_bytes(32)])
        kept = KeptState(states, LocalStore(folder), seal, SystemClock())
        await kept.bring(TERM)
        await kept.save(TERM, Saving.WHILE_RUNNING)
        ours = []
        with closing(sqlite3.connect(folder / STORE_NAME)) as store:
            for _ in range(scene.sizes.saves):
                _change(store)
                started = time.monotonic()
                await kept.save(TERM, Saving.WHILE_RUNNING)
                ours.append(time.monotonic() - started)
        return Saves(ours, await _uploaded(scene, client, states.uploads))


async def _uploaded(
    scene: Scene, client: SupabaseClient, uploads: Sequence[Upload]
) -> Sequence[float]:
    states = SupabaseDeviceStates(client)
    session_id = SessionId(await bare.unattended_number(scene))
    took = []
    for each in uploads:
        started = time.monotonic()
        await states.save(
            session_id, TERM, each.head, each.page_count, each.pages, fresh=True
        )
        took.append(time.monotonic() - started)
    return took[1:]  # the first one brought all pages


@asynccontextmanager
async def _client(scene: Scene) -> AsyncIterator[SupabaseClient]:
    supabase = scene.stage.supabase
    client = SupabaseClient(supabase.url, supabase.keys.secret)
    try:
        yield client
    finally:
        await client.aclose()


def _copy(source: Path, folder: Path) -> None:
    with LocalStore(source).copy() as copy, LocalStore(folder).draft() as draft:
        if copy is None:
            raise LookupError("the number has no store")
        for page in range(len(copy.hashes)):
            draft.append(copy.read(page))
        draft.finish(complete=True)


def _change(store: sqlite3.Connection) -> None:
    """As a second of traffic does: what ratchets say, and secrets that come to the end."""
    own, *_ = store.execute("select jid from whatsmeow_device").fetchone()
    store.execute("pragma synchronous = full")
    rows = [
        (own, f"{secrets.token_hex(4)}@lid", own, secrets.token_hex(10), bytes(32))
        for _ in range(PAGES * 2)
    ]
    store.executemany(
        "insert into whatsmeow_message_secrets values (?, ?, ?, ?, ?)", rows
    )
    store.commit()
