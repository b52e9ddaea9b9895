"""One Supabase for all contract tests: ours, or another named by the environment.

ZAPBASE_SUPABASE_URL, ZAPBASE_SUPABASE_PUBLISHABLE_KEY, ZAPBASE_SUPABASE_SECRET_KEY and
ZAPBASE_DATABASE_URL (role postgres) point the same tests at `supabase start` or a
hosted project: what they assert is what the real servers do.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from supabase import AsyncClient

from devstack.supabase.local import LocalSupabase
from tests.contract.project import Person, Supabase, connected, signed_in
from tests.postgres_template import postgres_template

SCHEMAS = [
    Path(__file__).with_name(f"{name}.sql") for name in ("schema", "rest_schema")
]


@pytest.fixture(scope="session")
async def template(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """For those who begin a Supabase of their own that has our migrations."""
    async with postgres_template(tmp_path_factory.mktemp("template")):
        yield


@pytest.fixture(scope="session")
async def supabase() -> AsyncIterator[Supabase]:
    if url := os.environ.get("ZAPBASE_SUPABASE_URL"):
        given = Supabase(
            url=url,
            publishable_key=os.environ["ZAPBASE_SUPABASE_PUBLISHABLE_KEY"],
            secret_key=os.environ["ZAPBASE_SUPABASE_SECRET_KEY"],
            database_url=os.environ["ZAPBASE_DATABASE_URL"],
        )
        await _create_tables(given.database_url)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="zapbase-contract-") as directory:
        async with LocalSupabase.start(Path(directory), migrations=None) as local:
            await _create_tables(local.database_url)
            yield Supabase(
                url=local.url,
                publishable_key=local.keys.publishable,
                secret_key=local.keys.secret,
                database_url=local.database_url,
                local=local,
            )


@pytest.fixture
async def service(supabase: Supabase) -> AsyncIterator[AsyncClient]:
    """A client with the secret key: no policy applies to it."""
    async with connected(supabase.url, supabase.secret_key) as client:
        yield client


@pytest.fixture
async def anonymous(supabase: Supabase) -> AsyncIterator[AsyncClient]:
    """A client with the publishable key and nobody signed in."""
    async with connected(supabase.url, supabase.publishable_key) as client:
        yield client


@pytest.fixture
async def ana(supabase: Supabase, service: AsyncClient) -> AsyncIterator[Person]:
    async with signed_in(supabase, service, "ana") as person:
        yield person


@pytest.fixture
async def bob(supabase: Supabase, service: AsyncClient) -> AsyncIterator[Person]:
    async with signed_in(supabase, service, "bob") as person:
        yield person


@pytest.fixture
async def database(
    supabase: Supabase,
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection of its own as `postgres`."""
    connection = await asyncpg.connect(supabase.database_url)
    yield connection
    await connection.close()


async def _create_tables(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for schema in SCHEMAS:
            await connection.execute(schema.read_text("utf-8"))
        # Real PostgREST learns of new tables when it is told to.
        await connection.execute("notify pgrst, 'reload schema'")
    finally:
        await connection.close()
