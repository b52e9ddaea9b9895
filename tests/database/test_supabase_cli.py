"""The real Supabase CLI against the embedded Postgres: it must find nothing odd."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from devstack.supabase.local import MIGRATIONS
from devstack.supabase.migrations import MigrationFailed, apply_migrations
from tests.database.scene import Database

REPOSITORY = Path(__file__).parents[2]
CLI = REPOSITORY / "node_modules" / ".bin" / "supabase"
PATIENCE = 60  # seconds
RECORDED = (
    "select version, name, statements from supabase_migrations.schema_migrations"
    " order by version"
)


async def supabase(*arguments: str, folder: Path = REPOSITORY) -> str:
    """What the CLI printed; fails when it does."""
    process = await asyncio.create_subprocess_exec(
        str(CLI),
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    printed = output.decode()
    assert process.returncode == 0, printed
    return printed


async def recorded(database: Database) -> list[asyncpg.Record]:
    async with database.as_postgres() as connection:
        rows: list[asyncpg.Record] = await connection.fetch(RECORDED)
        return rows


async def test_db_push_applies_the_migrations_and_then_finds_nothing_to_do(
    bare_database: Database,
) -> None:
    await supabase("db", "push", "--yes", f"--remote={bare_database.url}")

    pushed = await recorded(bare_database)
    assert len(pushed) == len(list(MIGRATIONS.glob("*.sql")))
    again = await supabase("db", "push", "--yes", f"--remote={bare_database.url}")
    assert "up to date" in again


async def test_what_we_apply_the_cli_takes_for_its_own(
    bare_database: Database, database: Database
) -> None:
    await supabase("db", "push", "--yes", f"--remote={bare_database.url}")

    assert await recorded(database) == await recorded(bare_database)
    again = await supabase("db", "push", "--yes", f"--remote={database.url}")
    assert "up to date" in again


async def test_awkward_sql_is_cut_as_the_cli_cuts_it(
    bare_database: Database, database: Database, tmp_path: Path
) -> None:
    project = tmp_path / "supabase"
    (project / "migrations").mkdir(parents=True)
    (project / "config.toml").write_text('project_id = "awkward"\n')
    (project / "migrations" / "20990101000000_awkward.sql").write_text(AWKWARD)
    for target in (bare_database, database):
        async with target.as_postgres() as connection:
            await connection.execute(
                "drop schema if exists supabase_migrations cascade"
            )

    await supabase(
        "db", "push", "--yes", f"--remote={bare_database.url}", folder=tmp_path
    )
    await apply_migrations(database.url, project / "migrations")

    assert await recorded(database) == await recorded(bare_database)


async def test_db_reset_leaves_a_project_that_works(bare_database: Database) -> None:
    await supabase("db", "push", "--yes", f"--remote={bare_database.url}")

    await supabase("db", "reset", "--yes", f"--remote={bare_database.url}")

    assert len(await recorded(bare_database)) == len(list(MIGRATIONS.glob("*.sql")))
    async with bare_database.as_postgres() as connection:
        assert await connection.fetchval("select auth.uid()") is None
        await connection.execute("select realtime.send('{}', 'event', 'topic', false)")


async def test_a_migration_that_fails_leaves_no_trace(
    bare_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "20990101000000_good.sql").write_text("create table good (n int);")
    (tmp_path / "20990101000001_bad.sql").write_text(
        "create table half (n int);\nselect 1 / 0;"
    )

    with pytest.raises(MigrationFailed, match=r"20990101000001_bad\.sql, statement 2"):
        await apply_migrations(bare_database.url, tmp_path)

    versions = [row["version"] for row in await recorded(bare_database)]
    assert versions == ["20990101000000"]
    async with bare_database.as_postgres() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None


async def test_the_advisors_have_nothing_to_say_about_security(
    database: Database,
) -> None:
    advice = await supabase(
        "db", "advisors", f"--remote={database.url}", "--type", "security"
    )

    assert not re.search(r'"level":\s*"(ERROR|WARN)"', advice), advice


AWKWARD = r"""
-- a comment; with a semicolon
create table public.awkward (
  name text default 'it''s; here', -- another; one
  path text default E'a\';b',
  "odd;name" int
);
/* block; /* nested; */ still; */
create function public.awkward_add(a int, b int) returns int
language sql
begin atomic
  select case when a > b then a else b end;
end;
do $body$
begin
  execute 'select 1; select 2';
  if true then perform $$;$$; end if;
end $body$;

comment on table public.awkward is $$one; two$$;
create view public.awkward_view as select 1 as one;;
select 'the last; has none'
"""
