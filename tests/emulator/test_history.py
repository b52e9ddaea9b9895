from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devstack.whatsapp import Conversation, Person, Remembered, WhatsApp
from devstack.whatsapp.wire.protobufs import History
from tests.emulator.client import Neonize
from tests.emulator.linked import Linked, linked

Sync = History.HistorySync
OLD = [
    Remembered(text=f"old {day}", age=timedelta(days=day), from_me=bool(day % 2))
    for day in range(30)
]


@pytest.fixture(scope="module")
async def fay(
    whatsapp: WhatsApp,
    bob: Person,
    carla: Person,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Linked]:
    """She talked to two people before she linked a client."""
    fay = whatsapp.person("5561912345678", "Fay")
    fay.phone.remembers([Conversation(bob, OLD, unread=2), Conversation(carla, OLD)])
    async with linked(whatsapp, fay, tmp_path_factory.mktemp("fay")) as fay_linked:
        yield fay_linked


async def test_the_newest_of_each_chat_comes_inside_a_message(
    fay: Linked, bob: Person, carla: Person
) -> None:
    sync = await history(fay, Sync.INITIAL_BOOTSTRAP)

    chats = {chat.ID: chat for chat in sync.conversations}
    assert set(chats) == {str(bob.lid), str(carla.lid)}
    [message] = chats[str(bob.lid)].messages
    assert message.message.message.conversation == "old 0"


async def test_the_recent_past_comes_as_a_file_that_is_deleted_then(
    whatsapp: WhatsApp, fay: Linked, bob: Person
) -> None:
    sync = await history(fay, Sync.RECENT)

    [chat] = [chat for chat in sync.conversations if str(bob.lid) == chat.ID]
    texts = [entry.message.message.conversation for entry in chat.messages]
    mappings = {m.lidJID: m.pnJID for m in sync.phoneNumberToLidMappings}
    assert texts == [remembered.text for remembered in OLD]
    assert chat.messages[1].message.key.fromMe
    assert (chat.unreadCount, sync.progress) == (2, 100)
    assert mappings[str(bob.lid)] == str(bob.jid)
    await whatsapp.until(lambda: bool(whatsapp.media.deleted))


async def test_names_come_by_themselves(fay: Linked, bob: Person) -> None:
    sync = await history(fay, Sync.PUSH_NAME)

    assert (str(bob.jid), "Bob") in [(n.ID, n.pushname) for n in sync.pushnames]


async def history(to: Linked, kind: int) -> History.HistorySync:
    event = await to.client.event(
        Neonize.HistorySync, lambda event: event.Data.syncType == kind
    )
    sync = event.Data
    assert isinstance(sync, History.HistorySync)
    return sync
