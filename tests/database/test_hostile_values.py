"""What a stranger in a group, or a member of the workspace, writes must harm nothing else."""

from __future__ import annotations

import pytest

from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    CAROL,
    FAMILY,
    column,
    message,
    messages,
)
from tests.database.files import picture
from tests.database.scene import Connection, Database, Session, store

BOBS = message("A", chat_jid=FAMILY)
FORGED = picture("A") | {
    "chat_jid": FAMILY,
    "sender_jid": CAROL,
    "sender_name": "Zed",
    "expires_at": "2026-01-03T12:00:00Z",
}


@pytest.mark.parametrize("batches", [[[BOBS, FORGED]], [[BOBS], [FORGED]]])
@pytest.mark.parametrize("kind", ["text", "undecryptable"])
async def test_nobody_adds_to_a_message_by_giving_its_id_to_one_of_their_own(
    leased: Session,
    service: Connection,
    batches: list[list[dict[str, object]]],
    kind: str,
) -> None:
    for batch in batches:
        said = [row | {"kind": kind} if row is BOBS else row for row in batch]
        await store(service, leased, messages(*said))

    rows = await service.fetch(
        "select kind, body, sender_jid, sender_name, expires_at from wa_messages"
    )
    assert [tuple(row.values()) for row in rows] == [(kind, "text A", BOB, "Bob", None)]
    assert await column(service, "select count(*) from wa_attachments") == [0]
    assert await column(service, "select unread_count from wa_chats") == [1]


async def test_a_member_cannot_make_a_chat_count_until_it_overflows(
    database: Database, leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A")))
    async with database.as_member(leased.owner) as member:
        most = await member.fetchval(
            "update wa_chats set unread_count = 1000000 returning unread_count"
        )
        with pytest.raises(Exception, match="wa_chats_unread_count_check"):
            await member.execute("update wa_chats set unread_count = 1000001")

    await store(service, leased, messages(message("B")))

    assert await column(service, "select unread_count from wa_chats") == [most]


async def test_tags_in_tables_do_not_stand_in_the_way_of_joining_a_person(
    database: Database, leased: Session, service: Connection
) -> None:
    contacts = [{"jid": BOB}, {"jid": BOBS_PHONE}]
    await store(service, leased, {"contacts": contacts})
    async with database.as_member(leased.owner) as member:
        await member.execute(
            "update wa_contacts set tags = case jid when $1 then '{x}'::text[]"
            " else '{{a,b},{c,d}}' end",
            BOB,
        )

    await store(service, leased, ALIAS)

    assert await column(service, "select tags from wa_contacts") == [
        ["a", "b", "c", "d", "x"]
    ]
