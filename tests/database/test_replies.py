"""Replies know the row of what they reply to, whichever of the two comes first."""

from __future__ import annotations

import pytest

from tests.database.conversation import (
    ALIAS,
    BOB,
    BOBS_PHONE,
    FAMILY,
    column,
    message,
    messages,
    ours,
)
from tests.database.scene import Connection, Row, Session, store

QUOTED = """select quoted.whatsapp_id from wa_messages as reply
    left join wa_messages as quoted on quoted.id = reply.quoted_message_id
    where reply.whatsapp_id = 'R'"""
REPLY = message("R", quoted_whatsapp_id="A")


@pytest.mark.parametrize(
    "batches",
    [
        [messages(message("A")), messages(REPLY)],
        [messages(REPLY), messages(message("A"))],
        [messages(REPLY, ours("A"))],
    ],
    ids=["original first", "reply first", "at once"],
)
async def test_a_reply_is_linked_to_its_original(
    leased: Session, service: Connection, batches: list[Row]
) -> None:
    for batch in batches:
        await store(service, leased, batch)

    assert await column(service, QUOTED) == ["A"]


async def test_a_reply_to_something_in_another_chat_stays_unlinked(
    leased: Session, service: Connection
) -> None:
    await store(service, leased, messages(message("A", chat_jid=FAMILY), REPLY))

    assert await column(service, QUOTED) == [None]


async def test_links_survive_when_two_chats_turn_out_to_be_one(
    leased: Session, service: Connection
) -> None:
    by_number = {"chat_jid": BOBS_PHONE, "sender_jid": BOBS_PHONE}
    await store(
        service,
        leased,
        messages(message("A", **by_number), REPLY | by_number, message("A")),
    )
    await store(service, leased, ALIAS)

    assert await column(service, QUOTED) == ["A"]


async def test_whom_a_message_mentions_is_a_lid_as_soon_as_it_is_known(
    leased: Session, service: Connection
) -> None:
    await store(
        service, leased, messages(message("A", chat_jid=FAMILY, mentions=[BOBS_PHONE]))
    )
    await store(service, leased, ALIAS)
    await store(
        service, leased, messages(message("B", chat_jid=FAMILY, mentions=[BOBS_PHONE]))
    )

    assert await column(service, "select mentions from wa_messages") == [[BOB], [BOB]]
