"""Runs supabase/tests: every policy, allowed and denied, verb by verb.

`supabase test db` needs Docker; pgTAP itself is plain SQL, which an npm package brings.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from devstack.supabase.statements import split_statements
from tests.database.scene import Connection, Database

REPOSITORY = Path(__file__).parents[2]
PGTAP = REPOSITORY / "node_modules/@electric-sql/pglite-pgtap/dist/pgtap.tar.gz"
FILES = sorted((REPOSITORY / "supabase" / "tests").glob("*.sql"))
SET_UP = FILES[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_policies_allow_and_deny(database: Database, file: Path) -> None:
    async with database.as_postgres() as connection:
        await install_pgtap(connection)
        await results(connection, SET_UP)

        lines = await results(connection, file)

    plan = next(line for line in lines if line.startswith("1.."))
    tests = [line for line in lines if re.match(r"(not )?ok \d+", line)]
    assert [line for line in lines if line.startswith(("not ok", "#"))] == []
    assert plan == f"1..{len(tests)}"


async def test_every_policy_is_named_where_it_is_tested(database: Database) -> None:
    async with database.as_postgres() as connection:
        policies = await connection.fetch(
            "select policyname from pg_policies"
            " where tablename like 'wa\\_%' or schemaname in ('storage', 'realtime')"
        )
    tested = re.sub(r"\s+(-- )?", " ", "".join(f.read_text("utf-8") for f in FILES))

    names = [policy["policyname"] for policy in policies]
    assert len(names) > 20
    assert [name for name in names if name not in tested.replace("''", "'")] == []


async def install_pgtap(connection: Connection) -> None:
    with tarfile.open(PGTAP) as archive:
        member = next(
            name
            for name in archive.getnames()
            if re.search(r"/pgtap--\d+\.\d+\.\d+\.sql$", name)
        )
        script = archive.extractfile(member)
        assert script is not None
        await connection.execute("set search_path = extensions")
        await connection.execute("set client_min_messages = warning")
        await connection.execute(script.read().decode())
        await connection.execute("set search_path = public, extensions")


async def results(connection: Connection, file: Path) -> list[str]:
    """What the file's queries return: lines of the Test Anything Protocol."""
    lines: list[str] = []
    for statement in statements(file):
        rows = await connection.fetch(statement)
        lines += [
            line
            for row in rows
            if isinstance(row[0], str)
            for line in row[0].splitlines()
        ]
    return lines


def statements(file: Path) -> list[str]:
    return split_statements(file.read_text("utf-8"))
