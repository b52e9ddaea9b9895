from __future__ import annotations

from datetime import timedelta

from devstack.whatsapp import Conversation, Group, Remembered, history
from devstack.whatsapp.network import Network
from tests.unit.devstack_whatsapp.world import person


def conversations(count: int) -> list[Conversation]:
    network = Network()
    return [
        Conversation(
            person(network, f"55219876543{n:02}", f"Friend {n}"),
            [
                Remembered(text="old", age=timedelta(days=9)),
                Remembered(text="new", age=timedelta(days=1), from_me=True),
            ],
        )
        for n in range(count)
    ]


def test_recent_history_comes_in_chunks_with_rising_progress() -> None:
    chunks = history.recent(conversations(5), per_chunk=2)

    assert [len(chunk.conversations) for chunk in chunks] == [2, 2, 1]
    assert [chunk.progress for chunk in chunks] == [33, 66, 100]
    assert [chunk.chunkOrder for chunk in chunks] == [1, 2, 3]


def test_a_phone_without_chats_says_that_this_is_all() -> None:
    [chunk] = history.recent([], per_chunk=2)

    assert chunk.progress == 100


def test_the_first_history_has_the_newest_message_of_each_chat() -> None:
    [conversation] = history.bootstrap(conversations(1)).conversations

    texts = [one.message.message.conversation for one in conversation.messages]
    assert texts == ["new"]


def test_people_are_addressed_by_lid_with_their_number_beside_it() -> None:
    [chat] = conversations(1)
    sync = history.bootstrap([chat])

    [mapping] = sync.phoneNumberToLidMappings
    assert mapping.lidJID == sync.conversations[0].ID
    assert mapping.pnJID == str(chat.chat.jid)


def test_in_a_group_everyone_is_named_but_oneself() -> None:
    network = Network()
    ana, bob = person(network, "551190001", "Ana"), person(network, "551190002", "Bob")
    group = Group("Família", ana, [bob])
    chat = Conversation(
        group,
        [
            Remembered(text="his", age=timedelta(days=2), sender=bob),
            Remembered(text="mine", age=timedelta(days=1), from_me=True),
        ],
    )

    mine, his = (one.message for one in chat.protobuf().messages)

    assert his.key.participant == str(bob.lid)
    assert (mine.key.fromMe, mine.key.participant) == (True, "")
