"""Applies supabase/migrations as `supabase db push` does, without Node or the CLI.

Each file runs as `postgres` in one transaction with the row that records it, so a crash
leaves a migration either applied and recorded or neither.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import asyncpg

from devstack.supabase.statements import split_statements

FILE_NAME = re.compile(r"(?P<version>\d+)_(?P<name>.*)\.sql")
# The CLI's own statements, which make its table out of any older form of it.
HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key
);
alter table supabase_migrations.schema_migrations
  add column if not exists statements text[];
alter table supabase_migrations.schema_migrations
  add column if not exists name text;
"""


class MigrationFailed(Exception):
    """A migration was refused; the message names file and statement number."""


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    version: str
    name: str
    statements: list[str]

    @classmethod
    def all_in(cls, folder: Path) -> list[Migration]:
        """Oldest first; files with other names are not migrations."""
        named = ((FILE_NAME.fullmatch(path.name), path) for path in folder.iterdir())
        return sorted(
            (
                cls(
                    match["version"],
                    match["name"],
                    split_statements(path.read_text("utf-8")),
                )
                for match, path in named
                if match
            ),
            key=lambda migration: migration.version,
        )


async def apply_migrations(url: str, folder: Path) -> list[str]:
    """Apply what is new in `folder` as the role of `url`; returns the new versions.

    Raises MigrationFailed at the first refusal; those before it stay applied.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(HISTORY)
        recorded = await connection.fetch(
            "select version from supabase_migrations.schema_migrations"
        )
        applied = {row["version"] for row in recorded}
        new = [one for one in Migration.all_in(folder) if one.version not in applied]
        for migration in new:
            await _apply(connection, migration)
        return [migration.version for migration in new]
    finally:
        await connection.close()


async def _apply(
    connection: asyncpg.Connection[asyncpg.Record], migration: Migration
) -> None:
    async with connection.transaction():
        for number, statement in enumerate(migration.statements, start=1):
            try:
                await connection.execute(statement)
            except asyncpg.PostgresError as error:
                raise MigrationFailed(
                    f"{migration.version}_{migration.name}.sql, "
                    f"statement {number}: {error}"
                ) from error
        await connection.execute("reset all")
        await connection.execute(
            "insert into supabase_migrations.schema_migrations"
            " (version, name, statements) values ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.statements,
        )
