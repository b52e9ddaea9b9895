"""The Postgres behind a local Supabase, embedded or brought along."""

from __future__ import annotations

import abc
import os
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from devstack.supabase.bootstrap import LOGIN_ROLES, bootstrap

DATABASE_URL = "ZAPBASE_DATABASE_URL"


class Server(abc.ABC):
    """A Postgres whose superuser we are."""

    @abc.abstractmethod
    def url(self, role: str = "postgres", database: str = "postgres") -> str:
        """Where `role` logs in to `database`."""

    @abc.abstractmethod
    async def start(self) -> None:
        """Return when it takes connections and looks like a Supabase project's."""

    @abc.abstractmethod
    async def stop(self) -> None: ...

    @abc.abstractmethod
    async def kill(self) -> None: ...

    @property
    def admin_url(self) -> str:
        return self.url("supabase_admin")

    async def create_database(self, name: str, *, template: str = "postgres") -> str:
        """Copy `template`, which nobody may be connected to; returns postgres's URL."""
        # Copying files is a third of the work of writing them to the log as well.
        await self._execute(
            f'create database "{name}" template "{template}" owner postgres'
            " strategy file_copy"
        )
        return self.url(database=name)

    async def drop_database(self, name: str) -> None:
        """Disconnects whoever is still in it."""
        await self._execute(f'drop database if exists "{name}" with (force)')

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class UnfitServer(Exception):
    """The Postgres brought along cannot stand behind a local Supabase."""


class GivenServer(Server):
    """A running Postgres given by the URL of its superuser; it is never stopped.

    Roles that log in share the password of that URL.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def url(self, role: str = "postgres", database: str = "") -> str:
        password = self._parts.password
        login = role + (f":{quote(password)}" if password else "")
        address = f"{self._parts.hostname or '127.0.0.1'}:{self._parts.port or 5432}"
        path = f"/{database}" if database else self._parts.path
        return urlunsplit(self._parts._replace(netloc=f"{login}@{address}", path=path))

    async def start(self) -> None:
        given = urlunsplit(self._parts)
        connection = await asyncpg.connect(given)
        try:
            await _demand_fitness(connection)
        finally:
            await connection.close()
        password = self._parts.password
        await bootstrap(given, password, ("supabase_admin", *LOGIN_ROLES))

    async def stop(self) -> None:
        """It is not ours to stop."""

    async def kill(self) -> None:
        raise UnfitServer(f"{DATABASE_URL} names a server that is not ours to kill.")


async def _demand_fitness(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    if not await connection.fetchval(
        "select usesuper from pg_user where usename = user"
    ):
        raise UnfitServer(f"{DATABASE_URL} must log in as a superuser.")
    if await connection.fetchval("show wal_level") != "logical":
        raise UnfitServer(f"{DATABASE_URL}: Realtime needs wal_level = logical.")
    if await connection.fetchval("select user") == "postgres":
        raise UnfitServer(
            f"{DATABASE_URL} must log in as another superuser than postgres, which "
            "has no superuser's rights in a Supabase project."
        )


def given_server() -> GivenServer | None:
    """The server of ZAPBASE_DATABASE_URL, if it is set."""
    url = os.environ.get(DATABASE_URL)
    return GivenServer(url) if url else None
