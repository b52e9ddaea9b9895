"""An app built on Supabase, as its signed-in user sees it: supabase-py, RLS and Realtime.

Nothing here knows the connector: an app inserts rows, reads rows and subscribes.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, TypeVar

import httpx
from realtime import RealtimePostgresChangesListenEvent, RealtimeSubscribeStates
from realtime.types import PostgresChangesPayload
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from devstack.supabase.project import Project

Row: TypeAlias = dict[str, Any]
Found = TypeVar("Found")

# Realtime wakes the waiting below; this is what a lost event costs.
LOOK_ANYWAY: Final = 0.25
MOST_SEEN: Final = 1_000  # changes of sessions that are remembered
# Generous, since machines are slow and busy: only what never comes takes as long.
REQUEST_SECONDS: Final = 30.0
PATIENCE: Final = 30.0
WATCHED: Final = ("wa_sessions", "wa_chats", "wa_messages", "wa_outbox")
# For a number that sends as fast as it can; what a person's own number gets are the defaults.
UNPACED: Final = {
    "send_gap_seconds": None,
    "send_per_minute": None,
    "send_per_day": None,
    "send_new_per_day": None,
}


class App:
    """One user of an app, with a workspace of their own."""

    def __init__(
        self, client: AsyncClient, email: str, password: str, workspace_id: str
    ) -> None:
        self.client = client
        self.email = email
        self.password = password
        self.workspace_id = workspace_id
        self._changed = asyncio.Event()
        self._sessions_seen: deque[Row] = deque(maxlen=MOST_SEEN)

    @classmethod
    @asynccontextmanager
    async def signed_up(cls, supabase: Project, name: str) -> AsyncIterator[App]:
        """Sign a new user up, give them a workspace, watch what they may see."""
        email = f"{secrets.token_hex(6)}@example.com"
        password = secrets.token_urlsafe(16)
        async with _client(supabase) as client:
            await client.auth.sign_up({"email": email, "password": password})
            made = await client.rpc("wa_create_workspace", {"p_name": name}).execute()
            app = cls(client, email, password, str(made.data))
            await app._watch()
            yield app

    @classmethod
    @asynccontextmanager
    async def signed_in(
        cls, supabase: Project, email: str, password: str, workspace_id: str
    ) -> AsyncIterator[App]:
        """A user who signed up earlier."""
        async with _client(supabase) as client:
            await client.auth.sign_in_with_password(
                {"email": email, "password": password}
            )
            app = cls(client, email, password, workspace_id)
            await app._watch()
            yield app

    async def _watch(self) -> None:
        """Ring on every change Realtime shows this user."""
        channel = self.client.channel(f"watch-{self.workspace_id}")
        for table in WATCHED:
            channel = channel.on_postgres_changes(
                RealtimePostgresChangesListenEvent.All,
                schema="public",
                table=table,
                callback=self._see,
            )
        await channel.subscribe()

    def _see(self, change: PostgresChangesPayload) -> None:
        data = change["data"]
        if data["table"] == "wa_sessions" and (record := data.get("record")):
            self._sessions_seen.append(record)
        self._changed.set()

    async def hears(self, event: str) -> asyncio.Queue[Row]:
        """What the workspace's topic tells from now on about this event."""
        told: asyncio.Queue[Row] = asyncio.Queue()
        channel = self.client.channel(
            f"wa:workspace:{self.workspace_id}",
            {"config": {"broadcast": None, "presence": None, "private": True}},
        )
        channel = channel.on_broadcast(
            event, lambda message: told.put_nowait(message["payload"])
        )
        joined = asyncio.Event()
        await channel.subscribe(
            lambda state, _: (
                joined.set() if state is RealtimeSubscribeStates.SUBSCRIBED else None
            )
        )
        async with asyncio.timeout(REQUEST_SECONDS):
            await joined.wait()
        return told

    # --- verbs ---------------------------------------------------------------------

    async def adds_number(self, name: str = "Support", **columns: object) -> str:
        """Insert a session; returns its id. Nothing connects yet."""
        row = {"workspace_id": self.workspace_id, "name": name, **columns}
        answer = await self.client.table("wa_sessions").insert(row).execute()
        return str(_only(answer.data)["id"])

    async def wants(
        self, session_id: str, desired_state: str, **columns: object
    ) -> None:
        await self.changes(session_id, desired_state=desired_state, **columns)

    async def sends(
        self, session_id: str, to: str, text: str, **columns: object
    ) -> str:
        """Insert a text into the outbox; returns the row's id."""
        row = {
            "session_id": session_id,
            "to": to,
            "kind": "text",
            "payload": {"text": text},
            **columns,
        }
        answer = await self.client.table("wa_outbox").insert(row).execute()
        return str(_only(answer.data)["id"])

    async def inserts(self, *rows: Row) -> list[str]:
        """Insert rows of any kind into the outbox, together; their ids."""
        answer = await self.client.table("wa_outbox").insert(list(rows)).execute()
        return [str(row["id"]) for row in _rows(answer.data)]

    async def uploads(self, name: str, data: bytes, mime_type: str) -> str:
        """Put a file where members may, as a web page does; its path in wa-media."""
        path = f"{self.workspace_id}/outbox/{uuid.uuid4()}/{name}"
        bucket = self.client.storage.from_("wa-media")
        await bucket.upload(path, data, {"content-type": mime_type})
        return path

    async def changes(self, session_id: str, **columns: object) -> None:
        """Change what members may of a number, such as its pace."""
        table = self.client.table("wa_sessions")
        await table.update(columns).eq("id", session_id).execute()

    # --- what the user sees --------------------------------------------------------

    async def rows(self, table: str, **equal: object) -> list[Row]:
        query = self.client.table(table).select("*")
        for column, value in equal.items():
            query = query.eq(column, value)
        return _rows((await query.execute()).data)

    async def session(self, session_id: str) -> Row:
        return _only(await self.rows("wa_sessions", id=session_id))

    async def outbox(self, outbox_id: str) -> Row:
        return _only(await self.rows("wa_outbox", id=outbox_id))

    async def messages(self, session_id: str, **equal: object) -> list[Row]:
        query = (
            self.client.table("wa_messages").select("*").eq("session_id", session_id)
        )
        for column, value in equal.items():
            query = query.eq(column, value)
        return _rows((await query.order("sent_at").order("seq").execute()).data)

    async def chats(self, session_id: str) -> list[Row]:
        query = self.client.table("wa_chats").select("*").eq("session_id", session_id)
        return _rows((await query.order("created_at").execute()).data)

    async def why_waiting(self, session_id: str, *row_ids: str) -> list[Row]:
        """Why these rows have not been sent yet; nothing of those that were."""
        arguments = {"p_session_id": session_id, "p_ids": list(row_ids)}
        answer = await self.client.rpc("wa_why_waiting", arguments).execute()
        return _rows(answer.data)

    async def until(
        self, look: Callable[[], Awaitable[Found | None]], within: float = PATIENCE
    ) -> Found:
        """Wait until `look` returns something; woken by Realtime.

        Raises TimeoutError.
        """
        async with asyncio.timeout(within):
            while True:
                self._changed.clear()
                if found := await look():
                    return found
                await _rung(self._changed)

    async def changed(self) -> None:
        """Wait for the next change that Realtime shows, or a moment."""
        self._changed.clear()
        await _rung(self._changed)

    async def session_is(
        self, session_id: str, *states: str, within: float = PATIENCE
    ) -> Row:
        async def look() -> Row | None:
            row = await self.session(session_id)
            return row if row["state"] in states else None

        return await self.until(look, within)

    async def session_passes(
        self, session_id: str, state: str, within: float = PATIENCE
    ) -> Row:
        """The row as it is, or was shown, in this state: it may have lasted a moment."""

        async def look() -> Row | None:
            now = await self.session(session_id)
            shown = (row for row in self._sessions_seen if row["id"] == session_id)
            return next((row for row in (now, *shown) if row["state"] == state), None)

        return await self.until(look, within)

    async def qr_shown(
        self,
        session_id: str,
        *,
        other_than: str | None = None,
        within: float = PATIENCE,
    ) -> str:
        """The QR text now on show in the app's page."""

        async def look() -> str | None:
            code = (await self.session(session_id))["qr_code"]
            return None if code in (None, other_than) else str(code)

        return await self.until(look, within)

    async def outbox_is(
        self, outbox_id: str, *states: str, within: float = PATIENCE
    ) -> Row:
        async def look() -> Row | None:
            row = await self.outbox(outbox_id)
            return row if row["state"] in states else None

        return await self.until(look, within)

    async def row_where(
        self, table: str, true_of: Callable[[Row], object], **equal: object
    ) -> Row:
        """The first such row, once something holds of it."""

        async def look() -> Row | None:
            found = await self.rows(table, **equal)
            return next((row for row in found if true_of(row)), None)

        return await self.until(look)

    async def opens(self, path: str) -> bytes:
        """A file of the bucket wa-media, by a signed address as in a web page."""
        files = self.client.storage.from_("wa-media")
        signed = await files.create_signed_url(path, 60)
        async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
            answer = await http.get(str(signed["signedURL"]))
        return answer.raise_for_status().content

    async def message_with(
        self, session_id: str, body: str, within: float = PATIENCE
    ) -> Row:
        async def look() -> Row | None:
            found = await self.messages(session_id, body=body)
            return found[0] if found else None

        return await self.until(look, within)


@asynccontextmanager
async def _client(supabase: Project) -> AsyncIterator[AsyncClient]:
    """A client whose sockets and timers are gone afterwards."""
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
        client = await acreate_client(
            supabase.url,
            supabase.keys.publishable,
            AsyncClientOptions(httpx_client=http),
        )
        try:
            yield client
        finally:
            await client.realtime.close()
            await client.auth.close()


def _rows(data: object) -> list[Row]:
    if not isinstance(data, list):
        raise TypeError("expected rows")
    return data


def _only(data: object) -> Row:
    rows = _rows(data)
    if len(rows) != 1:
        raise LookupError(f"expected one row, found {len(rows)}")
    return rows[0]


async def _rung(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_ANYWAY):
            await bell.wait()
    except TimeoutError:
        return
