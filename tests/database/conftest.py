"""One Postgres for the run, migrated once as a template; a copy of it for each test."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devstack.supabase.bootstrap import bootstrap
from devstack.supabase.local import MIGRATIONS
from devstack.supabase.migrations import apply_migrations
from devstack.supabase.postgres import Postgres
from devstack.supabase.server import Server, given_server
from tests.database.scene import Connection, Database, Session, claim


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory(prefix="zapbase-database-") as directory:
        server = given_server() or Postgres(Path(directory))
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@pytest.fixture(scope="session")
async def bare_template(server: Server) -> AsyncIterator[str]:
    """A project's database as Supabase hands it out, without our migrations."""
    name = _name("bare")
    await server.create_database(name, template="template0")
    await bootstrap(server.url("supabase_admin", name), None)
    yield name
    await server.drop_database(name)


@pytest.fixture(scope="session")
async def migrated_template(server: Server, bare_template: str) -> AsyncIterator[str]:
    name = _name("migrated")
    url = await server.create_database(name, template=bare_template)
    await apply_migrations(url, MIGRATIONS)
    yield name
    await server.drop_database(name)


@pytest.fixture
async def bare_database(server: Server, bare_template: str) -> AsyncIterator[Database]:
    database = Database(server, _name("test"))
    await server.create_database(database.name, template=bare_template)
    yield database
    await server.drop_database(database.name)


@pytest.fixture
async def database(server: Server, migrated_template: str) -> AsyncIterator[Database]:
    database = Database(server, _name("test"))
    await server.create_database(database.name, template=migrated_template)
    yield database
    await server.drop_database(database.name)


@pytest.fixture
async def session(database: Database) -> Session:
    """A session that wants to be connected; nobody holds its lease."""
    return await database.session()


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Connection]:
    async with database.as_service() as connection:
        yield connection


@pytest.fixture
async def leased(session: Session, service: Connection) -> Session:
    """The session under term 1, held by connector-a."""
    assert await claim(service, "connector-a") == {session.id: 1}
    return session


def _name(purpose: str) -> str:
    return f"zapbase_{purpose}_{uuid.uuid4().hex[:12]}"
