"""What Realtime's tests write straight into the database."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from devstack.supabase.local import LocalSupabase
from tests.contract.ear import Ear
from tests.contract.project import Supabase

NOTES = {"table": "contract_notes"}
NOTICES = {"table": "contract_notices"}


async def write_note(database: Any, owner: str, title: str) -> str:
    return str(
        await database.fetchval(
            "insert into contract_notes (owner_id, title, views) "
            "values ($1, $2, 9007199254740993) returning id",
            owner,
            title,
        )
    )


async def hears_nothing_before(ear: Ear, database: Any, owner: str) -> None:
    """What the ear hears next is a note written now, so it heard nothing so far."""
    mark = uuid.uuid4().hex
    await write_note(database, owner, mark)
    assert (await ear.next_change())["record"]["title"] == mark


async def send(database: Any, topic: str, *, private: bool, n: int = 1) -> None:
    await database.execute(
        "select realtime.send(jsonb_build_object('n', $1::int), 'rung', $2, $3)",
        n,
        topic,
        private,
    )


def unique() -> int:
    return time.time_ns()


def local_or_skip(supabase: Supabase) -> LocalSupabase:
    if supabase.local is None:
        pytest.skip("only our own Supabase can be treated like this")
    return supabase.local
