"""The SQL examples of docs/outbox.md, as a member runs them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector import payloads
from connector.payloads import MODELS
from tests.database.conversation import ours
from tests.database.scene import Connection, Database, Session, store

PAGE = Path(__file__).parents[2] / "docs/outbox.md"
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


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
