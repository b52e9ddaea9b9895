"""The SQL examples of docs/outbox.md, as a member runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector import payloads
from connector.payloads import MODELS
from tests.database.conversation import BOB, ours
from tests.database.scene import Connection, Database, Session, store

PAGE = Path(__file__).parents[2] / "docs/outbox.md"
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
CALLS = re.findall(r"\.rpc\('(\w+)', \{(.*?)\}\)", PAGE.read_text("utf-8"))


@pytest.fixture
async def known(leased: Session, service: Connection) -> dict[str, str]:
    """What stands for the ids that a reader puts in: a text of ours, and a file."""
    await store(service, leased, {"messages": [ours("3EB0HI")]})
    said = await service.fetchrow("select id, chat_id from wa_messages")
    assert said is not None
    await service.execute(
        "insert into storage.objects (bucket_id, name) values ('wa-media', $1)",
        f"{leased.workspace_id}/outbox/offer.pdf",
    )
    return {
        "<session id>": leased.id,
        "<workspace id>": leased.workspace_id,
        "<chat id>": str(said["chat_id"]),
        "<message id>": str(said["id"]),
    }


async def test_every_documented_insert_is_taken_and_can_be_sent(
    database: Database, leased: Session, known: dict[str, str]
) -> None:
    async with database.as_member(leased.owner) as member:
        for example in EXAMPLES:
            for name, value in known.items():
                example = example.replace(name, value)  # noqa: PLW2901 - step by step
            await member.execute(example)
        rows = await member.fetch('select kind, payload, "to", chat_id from wa_outbox')

    assert {row["kind"] for row in rows} == set(MODELS)
    assert all(row["chat_id"] is not None for row in rows)
    for row in rows:
        payloads.read(row["kind"], row["payload"])


async def test_an_id_of_the_apps_own_makes_an_insert_safe_to_repeat(
    database: Database, leased: Session
) -> None:
    """As supabase-js writes it: upsert with ignoreDuplicates."""
    async with database.as_member(leased.owner) as member:
        for _ in range(2):
            await member.execute(
                """insert into wa_outbox (id, session_id, "to", kind, payload)
                values ('7d4447a1-9a3c-4c0e-9b8f-0e2f5a4d9e10', $1, $2, 'text', $3)
                on conflict (id) do nothing""",
                leased.id,
                BOB,
                {"text": "oi"},
            )
        rows = await member.fetchval("select count(*) from wa_outbox")
        shown = await member.fetchval("select count(*) from wa_messages")

    assert (rows, shown) == (1, 1)


async def test_every_documented_function_may_be_called_so_by_members(
    database: Database, leased: Session
) -> None:
    assert CALLS
    async with database.as_member(leased.owner) as member:
        for name, arguments in CALLS:
            named = re.findall(r"(p_\w+):", arguments)
            assert await member.fetchval(
                """select true from pg_proc
                where proname = $1 and pronamespace = 'public'::regnamespace
                  and proargnames @> $2 and pronargs - pronargdefaults <= cardinality($2)
                  and has_function_privilege(oid, 'execute')""",
                name,
                named,
            ), f"{name}({', '.join(named)})"
