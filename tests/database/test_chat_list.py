"""What the list of chats shows follows what apps send, too."""

from __future__ import annotations

from tests.database.conversation import BOB, column, edit, message, messages
from tests.database.outbox import ids, queue, sent
from tests.database.scene import Connection, Session, exchange, store

PREVIEW = "select last_message_preview from wa_chats"
LONG_AGO = "update wa_messages set sent_at = '2026-01-02T11:00:00Z'"


async def test_what_is_sent_late_is_the_newest_when_it_is_sent(
    leased: Session, service: Connection
) -> None:
    [row] = await queue(service, leased, "sent late")
    await service.execute(LONG_AGO)
    await store(service, leased, messages(message("A", sent_at="2026-01-02T11:30:00Z")))
    assert await column(service, PREVIEW) == ["text A"]

    assert ids(await exchange(service, leased)) == [row]
    await exchange(service, leased, sent(row))

    assert await column(service, PREVIEW) == ["sent late"]
    times = "select sent_at from wa_messages where from_me"
    assert await column(service, "select last_message_at from wa_chats") == (
        await column(service, times)
    )


async def test_an_edit_that_came_before_the_result_shows_in_the_list(
    leased: Session, service: Connection
) -> None:
    [row] = await queue(service, leased, "hello")
    await exchange(service, leased)
    early = edit("3EB0", "E", from_me=True, body="hello!", chat_jid=BOB)
    await store(service, leased, {"edits": [early]})

    await exchange(service, leased, sent(row))

    assert await column(service, PREVIEW) == ["hello!"]
