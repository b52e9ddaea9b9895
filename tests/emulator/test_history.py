from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from devstack.whatsapp import Conversation, Person, Remembered, WhatsApp
from devstack.whatsapp.wire.protobufs import History
from tests.emulator.client import Neonize
from tests.emulator.linked import Linked, linked, resumed

Sync = History.HistorySync
OLD = [
    Remembered(text=f"old {day}", age=timedelta(days=day), from_me=bool(day % 2))
    for day in range(30)
]
ANCIENT = Remembered(text="ancient", age=timedelta(days=400))


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
    fay.phone.remembers_older([Conversation(bob, [ANCIENT])])
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


async def test_what_is_older_comes_after_everything_recent(fay: Linked) -> None:
    sync = await history(fay, Sync.FULL)

    [message] = sync.conversations[0].messages
    assert message.message.message.conversation == "ancient"


async def test_scrolling_up_brings_more(fay: Linked, bob: Person) -> None:
    await fay.person.phone.sends_older(Conversation(bob, [ANCIENT]), more=True)

    sync = await history(fay, Sync.ON_DEMAND)

    kinds = History.Conversation
    assert sync.conversations[0].endOfHistoryTransferType == (
        kinds.COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY
    )


async def test_a_long_history_can_be_held_and_goes_on_after_a_crash(
    whatsapp: WhatsApp, tmp_path: Path
) -> None:
    gal = whatsapp.person("5561912345600", "Gal")
    phone = gal.phone
    phone.remembers_much(chats=30, messages=10)
    phone.chats_per_chunk = 10
    phone.holds_history_after(chunks=1)

    async with linked(whatsapp, gal, tmp_path) as before:
        await phone.history_held()
        assert (await history(before, Sync.RECENT)).progress == 33
        await before.device.has_everything()
        await before.client.kill()
    phone.goes_on_with_history()
    async with resumed(whatsapp, before):
        chunks = [await history(before, Sync.RECENT) for _ in range(2)]

    assert [chunk.progress for chunk in chunks] == [66, 100]
    told = [
        entry
        for chunk in chunks
        for chat in chunk.conversations
        for entry in chat.messages
    ]
    assert len(told) == 200


async def history(to: Linked, kind: int) -> History.HistorySync:
    event = await to.client.event(
        Neonize.HistorySync, lambda event: event.Data.syncType == kind
    )
    sync = event.Data
    assert isinstance(sync, History.HistorySync)
    return sync
