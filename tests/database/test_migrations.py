from __future__ import annotations

import re
from pathlib import Path

import asyncpg
import pytest

from devstack.supabase.local import MIGRATIONS
from devstack.supabase.migrations import apply_migrations
from tests.database.scene import Connection, Database

GUARD = Path(__file__).with_name("guard.sql").read_text("utf-8")
MOST_LINES = 250


async def test_migrations_apply_from_scratch_and_only_once(
    bare_database: Database,
) -> None:
    applied = await apply_migrations(bare_database.url, MIGRATIONS)

    assert len(applied) == len(list(MIGRATIONS.glob("*.sql")))
    assert await apply_migrations(bare_database.url, MIGRATIONS) == []


async def test_no_object_breaks_a_house_rule(database: Database) -> None:
    async with database.as_postgres() as connection:
        violations = [row["violation"] for row in await connection.fetch(GUARD)]

    assert violations == []


async def test_the_guard_finds_what_a_careless_migration_leaves_open(
    database: Database,
) -> None:
    async with database.as_postgres() as connection:
        await connection.execute(
            """
            create table public.wa_careless (id int, session_id uuid references wa_sessions);
            create function public.wa_careless() returns int language sql
            security definer as 'select 1';
            create policy "Anybody" on public.wa_careless using (true);
            """
        )
        violations = {row["violation"] for row in await connection.fetch(GUARD)}

    expected = {
        "public.wa_careless has no row-level security",
        "public.wa_careless has no workspace_id",
        "public.wa_careless has no policy for select",
        "public.wa_careless has no comment",
        'policy "Anybody" on wa_careless names no role, or anon',
        'policy "Anybody" on wa_careless is for all verbs at once',
        "anon may select public.wa_careless",
        "anon may execute wa_careless()",
        "authenticated may execute wa_careless()",
        "wa_careless() is security definer in an exposed schema",
        "wa_careless() does not set search_path = ''",
        "wa_careless() has no comment",
        "wa_careless has no index for foreign key wa_careless_session_id_fkey",
    }
    assert expected <= violations


async def test_a_stale_or_invented_term_is_refused_by_every_write(
    service: Connection,
) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    calls = (
        "wa_report_session($1, 1, '{}')",
        "wa_record_event($1, 1, 'info', 'x', 'x', '{}')",
        "wa_store_batch($1, 1, '{}')",
        "wa_exchange_outbox($1, 1, 'x', '[]', 1)",
        "wa_unsettled_outbox($1, 1)",
        "wa_find_upload($1, 1, 'x')",
        "wa_keep_upload($1, 1, $1, 'x', '{}')",
        "wa_claim_media($1, 1, 1, '1 s', 1)",
        "wa_finish_media($1, 1, '[]')",
        "wa_next_lookups($1, 1, 1)",
        "wa_record_picture($1, 1, 'x', 'x', 'x')",
        "wa_show_presence($1, 1, '[]')",
        "wa_end_stalled_history($1, 1, '1 s')",
        "wa_next_number_checks($1, 1, 1)",
        "wa_record_number_checks($1, 1, '[]')",
        "wa_pause_number_checks($1, 1, 1)",
    )
    for call in calls:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            # Our own constants, with the session as a parameter.
            await service.fetch(f"select * from {call}", nobody)  # noqa: S608
        assert refusal.value.sqlstate == "ZB001", call


def test_each_migration_says_its_purpose_and_holds_one_concept() -> None:
    for file in MIGRATIONS.iterdir():
        text = file.read_text("utf-8")
        assert re.fullmatch(r"\d{14}_[a-z_]+\.sql", file.name), file.name
        assert text.startswith("-- Purpose: "), file.name
        assert "\n-- Affects: " in text, file.name
        assert text.count("\n") <= MOST_LINES, file.name
