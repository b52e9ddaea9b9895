"""Keeps the schema cache true: filled on demand, emptied when the schema changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from devstack.supabase.gateway import refusals
from devstack.supabase.gateway.context import Context
from devstack.supabase.gateway.rest.schema_cache import (
    CATALOGUE,
    EXPOSED_SCHEMAS,
    SchemaCache,
    read_catalogue,
)

log = logging.getLogger(__name__)

CHANNEL = "pgrst"
RELOAD_SCHEMA = frozenset({"reload schema", ""})
FIRST_RETRY = 0.2  # seconds
LONGEST_RETRY = 5.0

# What a request meets when the cache is older than the schema.
SIGNS_OF_AGE = frozenset(
    {
        "PGRST200",
        "PGRST201",
        "PGRST202",
        "PGRST203",
        "PGRST204",
        "PGRST205",
        "42703",  # undefined column
        "42704",  # undefined object, such as a type
        "42804",  # datatype mismatch
        "42883",  # undefined function
        "42P01",  # undefined table
        "42P10",  # no unique index for this ON CONFLICT
    }
)

Answer = TypeVar("Answer")


class Catalogue:
    """The schema cache of one gateway.

    `listen` keeps one connection for `notify pgrst`; without it (Postgres away) a
    request that misses something still reads the catalogue anew.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cache: SchemaCache | None = None
        self._last: tuple[str, SchemaCache] | None = None
        self._reading = asyncio.Lock()

    async def serve(self, answer: Callable[[SchemaCache], Awaitable[Answer]]) -> Answer:
        """Answer by the cache; refused in a way that age explains, look anew and retry.

        A refused transaction was rolled back, so nothing happens twice.
        """
        cache = await self._current()
        try:
            return await answer(cache)
        except refusals.Refusal as refusal:
            if refusal.body.get("code") not in SIGNS_OF_AGE:
                raise
            self.forget()
            renewed = await self._current()
            if renewed is cache:
                raise
            return await answer(renewed)

    def forget(self) -> None:
        self._cache = None

    async def _current(self) -> SchemaCache:
        if (cache := self._cache) is not None:
            return cache
        async with self._reading:
            if self._cache is None:
                self._cache = await self._read()
            return self._cache

    async def _read(self) -> SchemaCache:
        """The same object when nothing has changed, so that its plans stay valid."""
        async with self._context.database.as_admin() as connection:
            await connection.execute("set local search_path = ''")
            text = await connection.fetchval(CATALOGUE, list(EXPOSED_SCHEMAS))
        if self._last is None or self._last[0] != text:
            self._last = (text, read_catalogue(text))
        return self._last[1]

    async def listen(self) -> None:
        """Forget on `notify pgrst, 'reload schema'`; runs until cancelled."""
        delay = FIRST_RETRY
        while True:
            try:
                await self._listen_once()
                delay = FIRST_RETRY
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                delay = min(delay * 2, LONGEST_RETRY)
            await asyncio.sleep(delay)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(
            self._context.config.admin_url, timeout=LONGEST_RETRY
        )
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: gone.set())
            await connection.add_listener(CHANNEL, self._notified)
            # Whatever was announced before we listened was missed.
            self.forget()
            await gone.wait()
        finally:
            connection.terminate()

    def _notified(
        self, _connection: object, _pid: int, _channel: str, payload: object
    ) -> None:
        if payload in RELOAD_SCHEMA:
            log.info("schema cache forgotten")
            self.forget()
