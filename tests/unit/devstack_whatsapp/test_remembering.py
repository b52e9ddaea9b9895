from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devstack.whatsapp import Conversation, Group, Remembered, history
from devstack.whatsapp.much_history import much_history
from devstack.whatsapp.network import Network
from devstack.whatsapp.verbs.polling import poll_message
from devstack.whatsapp.wire.protobufs import History, Web
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


def test_what_happened_to_a_message_is_remembered_with_it() -> None:
    network = Network()
    ana, bob = person(network, "551190001", "Ana"), person(network, "551190002", "Bob")
    carla = person(network, "551190003", "Carla")
    group = Group("Família", ana, [bob, carla])
    poll = Remembered(
        message=poll_message("Pizza?", ["Yes", "No"]),
        from_me=True,
        reactions=[(ana, "🍕"), (bob, "👍")],
        votes=[(bob, ["Yes"])],
        delivered_to=[bob, carla],
        read_by=[bob],
    )

    info = poll.protobuf(group, ana)

    assert info.status == info.READ
    assert {r.userJID: bool(r.readTimestamp) for r in info.userReceipt} == {
        str(bob.lid): True,
        str(carla.lid): False,
    }
    assert [(r.text, r.key.fromMe, r.key.participant) for r in info.reactions] == [
        ("🍕", True, ""),
        ("👍", False, str(bob.lid)),
    ]
    [vote] = info.pollUpdates
    assert len(vote.vote.selectedOptions) == 1
    assert info.messageSecret == info.message.messageContextInfo.messageSecret != b""


def test_what_was_deleted_or_is_only_news_has_no_message() -> None:
    network = Network()
    ana, bob = person(network, "551190001", "Ana"), person(network, "551190002", "Bob")
    group = Group("Família", ana, [bob])
    deleted = Remembered(text="gone", deleted=True, sender=bob)
    news = Remembered(
        stub="GROUP_PARTICIPANT_ADD", stub_parameters=[str(bob.lid)], sender=ana
    )

    infos = [one.protobuf(group, ana) for one in (deleted, news)]

    kinds = Web.WebMessageInfo
    assert [info.HasField("message") for info in infos] == [False, False]
    assert [info.messageStubType for info in infos] == [
        kinds.REVOKE,
        kinds.GROUP_PARTICIPANT_ADD,
    ]
    assert infos[1].messageStubParameters == [str(bob.lid)]


def test_what_was_edited_comes_as_its_last_edit() -> None:
    bob = person(Network(), "551190002", "Bob")
    edited = Remembered(text="with a comma,", edited=True)

    info = edited.protobuf(bob)

    protocol = info.message.editedMessage.message.protocolMessage
    assert protocol.key.ID == edited.whatsapp_id != info.key.ID
    assert protocol.editedMessage.conversation == "with a comma,"


def test_a_chat_is_remembered_with_its_settings() -> None:
    network = Network()
    ana, bob = person(network, "551190001", "Ana"), person(network, "551190002", "Bob")
    group = Group("Família", ana, [bob])
    until = datetime(2030, 1, 1, tzinfo=UTC)
    chat = Conversation(
        group,
        [],
        archived=True,
        pinned=True,
        muted_until=until,
        marked_unread=True,
        timer=timedelta(days=7),
    ).protobuf()

    assert (chat.name, chat.archived, chat.markedAsUnread) == ("Família", True, True)
    assert chat.muteEndTime == until.timestamp()
    assert (chat.pinned > 0, chat.ephemeralExpiration) == (True, 7 * 24 * 3600)
    ranks = {one.userJID: one.rank for one in chat.participant}
    assert ranks[str(ana.lid)] == History.GroupParticipant.SUPERADMIN


def test_much_history_is_made_up_lazily_and_always_the_same() -> None:
    chats = list(much_history(chats=3, messages=4))

    ids = [one.whatsapp_id for chat in chats for one in chat.messages]
    again = [one.whatsapp_id for chat in much_history(3, 4) for one in chat.messages]
    sync = history.bootstrap(chats)
    ages = [one.age for one in chats[0].messages]

    assert (len(set(ids)), ids) == (12, again)
    assert [len(chat.messages) for chat in sync.conversations] == [1, 1, 1]
    assert ages == sorted(ages)
