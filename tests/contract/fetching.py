"""One session's files: real servers on both sides, and the lane that fetches between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast

import asyncpg

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.leases import SupabaseLeases
from connector.adapters.supabase.media import SupabaseFileQueue, SupabaseFileStore
from connector.adapters.whatsapp.media.folder import MediaFolder, Room
from connector.adapters.whatsapp.media.servers import MediaServers
from connector.adapters.whatsapp.media.transfers import WhatsAppMedia
from connector.clock import SystemClock
from connector.domain.media import FileResult
from connector.ingestion.media_fetch import MediaFetching
from connector.ports import ClaimedFile, SessionContext, SessionId
from devstack.supabase.local import LocalSupabase
from devstack.whatsapp import WhatsApp
from devstack.whatsapp.wire.media import EncryptedMedia, MediaKind, encrypt_media
from tests.contract.project import connected

MEGABYTE: Final = 1024 * 1024
LIMIT: Final = 30 * MEGABYTE
TIMEOUT: Final = 30.0
TTL: Final = timedelta(minutes=5)
# A row as ingestion leaves it; the test is about what happens to it next.
_RECEIVED: Final = """
with chat as (
  insert into wa_chats (workspace_id, session_id, jid, kind)
  values ($1, $2, '5521987654321@s.whatsapp.net', 'direct')
  on conflict (session_id, jid) do update set kind = 'direct' returning id
),
message as (
  insert into wa_messages (
    workspace_id, session_id, chat_id, whatsapp_id, from_me, kind, sent_at, source, status
  )
  select $1, $2, chat.id, $3, false, $4, '2026-03-04T05:06:07Z', 'live', 'delivered'
  from chat returning id, sent_at
),
file as (
  insert into wa_attachments (workspace_id, session_id, message_id, size_bytes, mime_type)
  select $1, $2, message.id, $5, 'image/claimed' from message returning id
),
key as (
  insert into wa_private.attachment_keys (
    attachment_id, session_id, media_type, direct_path, media_key, file_sha256,
    file_enc_sha256, sent_at
  )
  select file.id, $2, $4, $6, $7, $8, $9, message.sent_at from file, message
)
select id from file
"""


@dataclass(frozen=True, slots=True)
class Context:
    """The part of SessionContext that the lane looks at."""

    session_id: SessionId
    term: int


@dataclass(frozen=True, slots=True)
class Lane:
    fetching: MediaFetching
    running: asyncio.Task[None]
    session_id: SessionId

    def wake(self) -> None:
        self.fetching.wake(self.session_id)


class HeardQueue(SupabaseFileQueue):
    """Tells a test whenever rows may have changed."""

    def __init__(self, client: SupabaseClient, most_bytes: int) -> None:
        super().__init__(client, most_bytes)
        self.changed = asyncio.Condition()

    async def claim(
        self, session_id: SessionId, term: int, limit: int, lease: timedelta
    ) -> Sequence[ClaimedFile]:
        claimed = await super().claim(session_id, term, limit, lease)
        async with self.changed:  # some settle by being looked at
            self.changed.notify_all()
        return claimed

    async def finish(
        self, session_id: SessionId, term: int, results: Sequence[FileResult]
    ) -> None:
        await super().finish(session_id, term, results)
        async with self.changed:
            self.changed.notify_all()


class InterruptedStore(SupabaseFileStore):
    """Holds its next upload after the first piece, until a test lets it go on."""

    def __init__(self, client: SupabaseClient) -> None:
        super().__init__(client)
        self.in_the_middle = asyncio.Event()
        self.go_on = asyncio.Event()

    async def put(
        self,
        path: str,
        content: bytes | AsyncIterable[bytes],
        *,
        size: int,
        content_type: str,
    ) -> None:
        assert not isinstance(content, bytes)
        held = self._held(content)
        await super().put(path, held, size=size, content_type=content_type)

    async def _held(self, content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for piece in content:
            yield piece
            self.in_the_middle.set()
            await self.go_on.wait()


@dataclass(slots=True)
class Scene:
    whatsapp: WhatsApp
    supabase: LocalSupabase
    database: asyncpg.Connection[asyncpg.Record]
    client: SupabaseClient
    servers: MediaServers
    data: Path
    session_id: SessionId
    workspace_id: str
    term: int
    queue: HeardQueue
    store: SupabaseFileStore
    chance: float = 0.0  # no back-off needs to be waited for
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def folder(self) -> Path:
        return self.data / "sessions" / self.session_id / "media"

    def downloads(self) -> int:
        return sum(method == "GET" for method, _ in self.whatsapp.media.requests)

    async def receives(
        self, data: bytes, kind: MediaKind = "image", **claims: Any
    ) -> str:
        """A message with a file; its claims may be lies. The attachment's id."""
        return await self.receives_encrypted(encrypt_media(data, kind), kind, **claims)

    async def receives_encrypted(
        self, media: EncryptedMedia, kind: MediaKind = "image", **claims: Any
    ) -> str:
        given = {
            "size": media.file_length,
            "path": self.whatsapp.media.put(media.blob),
            "key": media.media_key,
            "sha256": media.file_sha256,
            "enc_sha256": media.file_enc_sha256,
        } | claims
        found = await self.database.fetchval(
            _RECEIVED,
            self.workspace_id,
            self.session_id,
            f"3EB0{next(self._numbers)}",
            kind,
            given["size"],
            given["path"],
            given["key"],
            given["sha256"],
            given["enc_sha256"],
        )
        return str(found)

    @asynccontextmanager
    async def fetching(self) -> AsyncIterator[Lane]:
        """The lane at work, as a connector that has just started runs it."""
        room = Room(most_bytes=10 * LIMIT, free_bytes=0)
        fetching = MediaFetching(
            source=WhatsAppMedia(MediaFolder(self.data, room), self.servers, LIMIT),
            store=self.store,
            queue=self.queue,
            clock=SystemClock(),
            chance=lambda: self.chance,
        )
        context = cast("SessionContext", Context(self.session_id, self.term))
        running = asyncio.create_task(fetching.run(context))
        try:
            yield Lane(fetching, running, self.session_id)
        finally:
            running.cancel()
            await asyncio.wait({running})

    async def settled(self, attachment_id: str) -> Mapping[str, Any]:
        """The row, once it is no longer pending."""
        async with asyncio.timeout(TIMEOUT), self.queue.changed:
            while (row := await self.row(attachment_id))["state"] == "pending":
                await self.queue.changed.wait()
            return row

    async def row(self, attachment_id: str) -> Mapping[str, Any]:
        row = await self.database.fetchrow(
            "select file.*, attempts from wa_attachments as file"
            " join wa_private.attachment_keys on attachment_id = id where id = $1",
            attachment_id,
        )
        assert row is not None
        return dict(row)

    async def stored(self, path: str) -> bytes:
        """What an app gets that downloads it."""
        async with connected(self.supabase.url, self.supabase.keys.secret) as client:
            return await client.storage.from_("wa-media").download(path)

    async def limit_bucket(self, size: int | None) -> None:
        await self.database.execute(
            "update storage.buckets set file_size_limit = $1 where id = 'wa-media'",
            size,
        )

    async def objects(self) -> dict[str, str]:
        """What the bucket holds of this session: MIME type by path."""
        rows = await self.database.fetch(
            "select name, metadata ->> 'mimetype' as mime_type from storage.objects"
            " where bucket_id = 'wa-media' and name like $1",
            f"%/{self.session_id}/%",
        )
        return {row["name"]: row["mime_type"] for row in rows}


@asynccontextmanager
async def scene(
    whatsapp: WhatsApp, supabase: LocalSupabase, data: Path
) -> AsyncIterator[Scene]:
    """A session of its own for each test, under a lease."""
    database = await asyncpg.connect(supabase.database_url)
    client = SupabaseClient(supabase.url, supabase.keys.secret)
    servers = MediaServers()
    try:
        workspace_id, session_id = await _session(database)
        leases = SupabaseLeases(
            client, SystemClock(), holder=session_id, ttl=TTL, state_keys=[]
        )
        held = {
            lease.session.session_id: lease.term
            for lease in (await leases.claim([], 50)).leases
        }
        yield Scene(
            whatsapp=whatsapp,
            supabase=supabase,
            database=database,
            client=client,
            servers=servers,
            data=data,
            session_id=SessionId(session_id),
            workspace_id=workspace_id,
            term=held[SessionId(session_id)],
            queue=HeardQueue(client, LIMIT),
            store=SupabaseFileStore(client),
        )
    finally:
        await servers.aclose()
        await client.aclose()
        await database.close()


async def _session(
    database: asyncpg.Connection[asyncpg.Record],
) -> tuple[str, str]:
    workspace = await database.fetchval(
        "insert into wa_workspaces (name) values ('Acme') returning id"
    )
    session = await database.fetchval(
        "insert into wa_sessions (workspace_id, desired_state) values ($1, 'connected')"
        " returning id",
        workspace,
    )
    return str(workspace), str(session)
