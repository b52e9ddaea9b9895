"""Housekeeping against a real Postgres and Storage: what nobody needs goes, from all three."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.housekeeping import SupabaseHousekeeping
from connector.adapters.supabase.media import SupabaseFileStore
from connector.adapters.whatsapp.spool.writer import connect
from connector.adapters.whatsapp.store.left_folders import LeftFolders
from connector.clock import SystemClock
from connector.errors import SupabaseUnavailable
from connector.housekeeping.housekeeping import Housekeeping
from connector.ports import SessionId
from connector.ports.housekeeping import Tidied
from devstack.supabase.local import LocalSupabase
from tests.contract.project import connected

pytestmark = [
    pytest.mark.xdist_group("housekeeping"),
    pytest.mark.usefixtures("template"),
]


@dataclass(frozen=True, slots=True)
class Scene:
    supabase: LocalSupabase
    database: asyncpg.Connection[asyncpg.Record]
    client: SupabaseClient
    files: SupabaseFileStore
    data: Path

    @property
    def store(self) -> SupabaseHousekeeping:
        return SupabaseHousekeeping(self.client)

    @property
    def housekeeping(self) -> Housekeeping:
        return Housekeeping(
            store=self.store,
            files=self.files,
            folders=LeftFolders(self.data, lambda _: None),
            clock=SystemClock(),
            chance=lambda: 0.0,
        )

    async def session(self) -> SessionId:
        """A session with a folder on this machine."""
        session_id = await self.database.fetchval(
            "with tenant as (insert into wa_workspaces (name) values ('Acme') returning id)"
            " insert into wa_sessions (workspace_id) select id from tenant returning id"
        )
        folder = self.data / "sessions" / str(session_id)
        folder.mkdir(parents=True)
        connect(folder / "spool.db").close()
        return SessionId(str(session_id))

    async def file(self, session_id: SessionId) -> str:
        """A file of this session in Storage that nothing names."""
        tenant = await self.database.fetchval(
            "select workspace_id from wa_sessions where id = $1", session_id
        )
        path = f"{tenant}/{session_id}/2026/01/{uuid.uuid4()}.jpg"
        await self.files.put(path, b"jpeg", size=4, content_type="image/jpeg")
        return path

    async def a_day_passes(self) -> None:
        await self.database.execute(
            "update wa_private.housekeeping_walks set ended_at = ended_at - interval '1 day'"
        )
        await self.database.execute("set session_replication_role = replica")
        await self.database.execute(
            "update storage.objects set created_at = created_at - interval '25 hours',"
            " updated_at = updated_at - interval '25 hours'"
        )

    async def stored(self) -> set[str]:
        """What Storage still hands out, asked at its own door."""
        async with connected(self.supabase.url, self.supabase.keys.secret) as client:
            bucket = client.storage.from_("wa-media")
            rows = await self.database.fetch("select name from storage.objects")
            return {row["name"] for row in rows if await bucket.download(row["name"])}

    def on_disk(self) -> set[str]:
        return {folder.name for folder in (self.data / "sessions").iterdir()}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Scene]:
    async with LocalSupabase.start(tmp_path / "supabase") as supabase:
        url = supabase.database_url.replace("postgres:", "supabase_admin:", 1)
        database = await asyncpg.connect(url)
        client = SupabaseClient(supabase.url, supabase.keys.secret)
        try:
            files = SupabaseFileStore(client)
            yield Scene(supabase, database, client, files, tmp_path / "data")
        finally:
            await client.aclose()
            await database.close()


async def test_what_a_deleted_session_left_behind_goes_and_the_others_stay(
    here: Scene,
) -> None:
    gone, stays = await here.session(), await here.session()
    orphan, other = await here.file(gone), await here.file(stays)
    await here.housekeeping.tidy_up()
    assert await here.stored() == {orphan, other}

    await here.database.execute(
        "with chat as (insert into wa_chats (workspace_id, session_id, jid, kind)"
        " select workspace_id, id, '1@g.us', 'group' from wa_sessions where id = $1"
        " returning *), message as (insert into wa_messages (workspace_id, session_id,"
        " chat_id, from_me, kind, sent_at, status, source) select workspace_id,"
        " session_id, id, false, 'image', now(), 'delivered', 'live' from chat"
        " returning *) insert into wa_attachments (workspace_id, session_id, message_id,"
        " state, storage_path) select workspace_id, session_id, id, 'stored', $2"
        " from message",
        stays,
        other,
    )
    await here.database.execute("delete from wa_sessions where id = $1", gone)
    await here.a_day_passes()
    await here.housekeeping.tidy_up()

    assert await here.stored() == {other}
    assert here.on_disk() == {stays}


async def test_while_supabase_is_away_nothing_is_taken_for_deleted(here: Scene) -> None:
    session_id = await here.session()
    await here.housekeeping.tidy_up()
    await here.database.execute("delete from wa_sessions")
    elsewhere = SupabaseClient("http://127.0.0.1:9", "sb_secret_x")
    try:
        away = Housekeeping(
            store=SupabaseHousekeeping(elsewhere),
            files=here.files,
            folders=LeftFolders(here.data, lambda _: None),
            clock=SystemClock(),
            chance=lambda: 0.0,
        )
        with pytest.raises(SupabaseUnavailable):
            await away.tidy_up()
    finally:
        await elsewhere.aclose()
    assert here.on_disk() == {session_id}


async def test_rows_are_counted_by_what_was_done(here: Scene) -> None:
    session_id = await here.session()
    await here.database.execute(
        "insert into wa_events (workspace_id, session_id, level, code, message, created_at)"
        " select workspace_id, id, 'info', 'x', 'X.', now() - interval '31 days'"
        " from wa_sessions, generate_series(1, 3) where id = $1",
        session_id,
    )

    assert await here.store.tidy(2) == Tidied(done={"forget_events": 2}, more=True)
    assert await here.store.tidy(2) == Tidied(done={"forget_events": 1}, more=False)
