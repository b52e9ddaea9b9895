"""History brings how chats are set, what became of messages, and how far it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import e2e, history, web
from connector.adapters.whatsapp.reading.history.chunk import wrapped
from connector.adapters.whatsapp.reading.rules import ReadingRules, Rejected
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    ChatColumn,
    ChatUpdate,
    Member,
    Profile,
    Role,
    Roster,
)
from connector.domain.incoming import HistoryProgress, Incoming
from connector.domain.messages import ChatKind, Message, Receipt, Status
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    NOW_MS,
    history_event,
    remembered,
    stub,
)
from tests.unit.whatsapp.reading_events import (
    ANA,
    BOB,
    BOBS_CHAT,
    FAMILY_CHAT,
    everything,
    items,
    only,
    rules,
)

HOUR, DAY = 3_600, 86_400
SECONDS = int(NOW.timestamp())
Sync, Stub = history.HistorySync, web.WebMessageInfo


def of_bob(*messages: Any, **given: Any) -> list[Incoming]:
    """What comes of history with a chat of two."""
    conversation = {"ID": BOB_LID, "pnJID": BOB_PHONE, "messages": messages, **given}
    return items(Code.HISTORY_SYNC, history_event(conversations=[conversation]))


def of_family(
    *messages: Any, reading: ReadingRules | None = None, **given: Any
) -> list[Incoming]:
    conversation = {"ID": FAMILY, "messages": messages, **given}
    raw = history_event(
        conversations=[conversation],
        phoneNumberToLidMappings=[{"lidJID": BOB_LID, "pnJID": BOB_PHONE}],
    )
    return items(Code.HISTORY_SYNC, raw, reading)


def test_a_chat_comes_as_it_is_set_on_the_phone() -> None:
    found = of_bob(
        remembered("oi", HOUR),
        name="Bob",
        unreadCount=3,
        archived=True,
        pinned=1_700_000_000,
        muteEndTime=SECONDS + HOUR,
        ephemeralExpiration=DAY,
    )

    update = only(ChatUpdate, found)
    assert (update.chat.jid, update.from_history) == (BOB.jid, True)
    assert update.columns == {
        ChatColumn.NAME: "Bob",
        ChatColumn.UNREAD_COUNT: 3,
        ChatColumn.ARCHIVED: True,
        ChatColumn.PINNED: True,
        ChatColumn.MUTED_UNTIL: (NOW + timedelta(hours=1)).isoformat(),
        ChatColumn.DISAPPEARING_SECONDS: DAY,
    }


@pytest.mark.parametrize(
    ("told", "until"),
    [
        (0, None),
        (SECONDS - 1, None),
        (2**64 - 1, "infinity"),
        (SECONDS * 10, "infinity"),
        (NOW_MS + HOUR * 1_000, (NOW + timedelta(hours=1)).isoformat()),
    ],
)
def test_muting_has_an_end_or_none(told: int, until: str | None) -> None:
    found = of_bob(remembered("oi", HOUR), muteEndTime=told)

    assert only(ChatUpdate, found).columns == {ChatColumn.MUTED_UNTIL: until}


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"unreadCount": 0}, 0),
        ({"unreadCount": 0, "markedAsUnread": True}, 1),
        ({"unreadCount": 2**32 - 1}, 1),
    ],
)
def test_a_chat_marked_as_unread_has_one(given: dict[str, Any], count: int) -> None:
    update = only(ChatUpdate, of_bob(remembered("oi", HOUR), **given))

    assert update.columns == {ChatColumn.UNREAD_COUNT: count}


def test_a_chat_that_is_silent_for_long_is_left_out() -> None:
    old = remembered("long ago", 30 * DAY)

    assert not any(isinstance(one, ChatUpdate) for one in of_bob(old, unreadCount=1))


def test_a_group_comes_with_its_members() -> None:
    found = of_family(
        remembered("oi", HOUR, participant=BOB_LID),
        participant=[
            {"userJID": ANA_LID, "rank": history.GroupParticipant.SUPERADMIN},
            {"userJID": BOB_LID},
            {"userJID": "nonsense"},
        ],
    )

    roster = only(Roster, found)
    assert (roster.chat, roster.as_of) == (FAMILY_CHAT, NOW)
    assert [(one.person.jid, one.role) for one in roster.members] == [
        (ANA.jid, Role.SUPERADMIN),
        (BOB.jid, Role.MEMBER),
    ]
    assert Member(person=BOB, role=Role.MEMBER) in roster.members


def test_a_message_comes_with_its_reactions() -> None:
    reactions = [
        web.Reaction(key={"ID": "R1"}, text="\U0001f44d", senderTimestampMS=NOW_MS),
        web.Reaction(key={"ID": "R2", "fromMe": True}, text="\u2764"),
    ]

    found = of_bob(remembered("oi", HOUR, more={"reactions": reactions}))

    his, ours = (one for one in found if isinstance(one, Reaction))
    assert (his.whatsapp_id, his.sender, his.from_me) == (f"OLD{HOUR}", BOB, False)
    assert (his.emoji, his.reacted_at) == ("\U0001f44d", NOW)
    assert (ours.sender, ours.from_me) == (ANA, True)
    assert ours.reacted_at == NOW - timedelta(hours=1)


def test_a_poll_comes_with_its_votes() -> None:
    monday = hashlib.sha256(b"Monday").digest()
    update = web.PollUpdate(
        pollUpdateMessageKey={"ID": "V1", "participant": BOB_LID},
        vote=e2e.PollVoteMessage(selectedOptions=[monday]),
        senderTimestampMS=NOW_MS,
    )
    poll = e2e.Message(pollCreationMessage=e2e.PollCreationMessage(name="When?"))

    found = of_family(
        remembered(poll, HOUR, fromMe=True, more={"pollUpdates": [update]})
    )

    assert only(Vote, found) == Vote(
        chat=FAMILY_CHAT,
        whatsapp_id=f"OLD{HOUR}",
        voter=BOB,
        from_me=False,
        options=(monday,),
        voted_at=NOW,
    )


def test_a_vote_that_the_phone_could_not_open_is_not_one_for_nothing() -> None:
    update = web.PollUpdate(pollUpdateMessageKey={"ID": "V1"})

    found = of_bob(remembered("poll", HOUR, more={"pollUpdates": [update]}))

    assert only(Vote, found).options is None


def test_our_message_comes_with_its_ticks() -> None:
    receipt = web.UserReceipt(
        userJID=BOB_PHONE, receiptTimestamp=SECONDS - 60, readTimestamp=SECONDS
    )

    found = of_family(
        remembered("ours", HOUR, fromMe=True, more={"userReceipt": [receipt]})
    )

    ticks = [one for one in found if isinstance(one, Receipt)]
    assert [(one.status, one.at) for one in ticks] == [
        (Status.DELIVERED, NOW - timedelta(minutes=1)),
        (Status.READ, NOW),
    ]
    assert {one.participant.lid for one in ticks} == {BOB.lid}


def test_what_the_phone_keeps_as_its_last_edit_is_a_message_and_an_edit() -> None:
    change = e2e.ProtocolMessage(
        type=e2e.ProtocolMessage.MESSAGE_EDIT,
        key={"ID": "OLD"},
        editedMessage=e2e.Message(conversation="better"),
    )
    wrapped = e2e.Message(
        editedMessage=e2e.FutureProofMessage(
            message=e2e.Message(protocolMessage=change)
        )
    )

    found = of_bob(remembered(wrapped, HOUR))
    edit, message = only(Edit, found), only(Message, found)

    assert (edit.whatsapp_id, edit.body, edit.sender) == ("OLD", "better", BOB)
    assert (message.whatsapp_id, message.body) == ("OLD", "better")


def test_what_was_deleted_leaves_a_deleted_message() -> None:
    found = of_bob(stub(Stub.REVOKE, HOUR))

    message = only(Message, found)
    assert (message.kind, message.body) == ("unsupported", None)
    assert message.content == {"raw_kind": "deleted"}
    assert only(Revocation, found) == Revocation(
        chat=BOBS_CHAT,
        whatsapp_id=message.whatsapp_id,
        from_me=False,
        author=BOB,
        revoked_by=BOB,
        by_admin=False,
        revoked_at=NOW - timedelta(hours=1),
    )


@pytest.mark.parametrize(
    ("kind", "parameters", "told"),
    [
        (Stub.GROUP_CHANGE_SUBJECT, ["Us"], {"event": "name", "name": "Us"}),
        (Stub.GROUP_PARTICIPANT_ADD, [ANA_LID], {"event": "added", "who": [ANA_LID]}),
        (
            Stub.GROUP_PARTICIPANT_LEAVE,
            [f'{{"id":"{ANA_LID}"}}'],
            {"event": "left", "who": [ANA_LID]},
        ),
        (
            Stub.GROUP_CHANGE_ANNOUNCE,
            ["on"],
            {"event": "announcements_only", "on": True},
        ),
        (
            Stub.CHANGE_EPHEMERAL_SETTING,
            ["86400"],
            {"event": "disappearing", "seconds": DAY},
        ),
    ],
)
def test_stubs_of_groups_are_notices(
    kind: Any, parameters: Sequence[str], told: dict[str, Any]
) -> None:
    found = of_family(stub(kind, HOUR, *parameters, participant=BOB_LID))

    notice = only(Message, found)
    assert (notice.kind, notice.whatsapp_id) == ("system", f"STUB{HOUR}")
    assert notice.content == {"by": BOB_LID, **told}


def test_a_missed_call_is_a_call_when_calls_are_wanted() -> None:
    missed = stub(Stub.CALL_MISSED_GROUP_VIDEO, HOUR, participant=BOB_LID)

    assert of_family(missed, reading=rules(ignore_calls=True))[:-1] == []
    call = only(Message, of_family(missed, reading=rules(ignore_calls=False)))
    assert (call.kind, call.content["outcome"]) == ("call", "missed")


def test_changed_security_codes_are_nobodys_news() -> None:
    found = of_bob(stub(Stub.E2E_IDENTITY_CHANGED, HOUR, BOB_LID))

    assert not any(isinstance(one, Message) for one in found)


def test_a_message_of_a_disappearing_chat_has_an_end() -> None:
    message = only(
        Message, of_bob(remembered("oi", HOUR, more={"ephemeralDuration": DAY}))
    )

    assert message.expires_at == NOW - timedelta(hours=1) + timedelta(days=1)


def test_status_posts_are_kept_only_when_wanted() -> None:
    post = remembered("my day", HOUR, participant=BOB_LID).message
    raw = history_event(
        syncType=Sync.INITIAL_STATUS_V3, statusV3Messages=[post], progress=0
    )

    assert items(Code.HISTORY_SYNC, raw) == []
    found = items(Code.HISTORY_SYNC, raw, rules(ignore_status=False))
    assert only(Message, found).chat.kind is ChatKind.STATUS


def test_names_from_the_phones_address_book_are_saved_names() -> None:
    raw = history_event(
        syncType=Sync.NON_BLOCKING_DATA,
        inlineContacts=[{"lidJID": BOB_LID, "pnJID": BOB_PHONE, "fullName": "Bobby"}],
    )

    assert items(Code.HISTORY_SYNC, raw) == [Profile(person=BOB, saved_name="Bobby")]


@pytest.mark.parametrize(
    ("kind", "progress", "told"),
    [
        (Sync.RECENT, 40, [HistoryProgress(percent=40, done=False)]),
        (Sync.RECENT, 100, [HistoryProgress(percent=100, done=True)]),
        (Sync.FULL, 250, [HistoryProgress(percent=100, done=True)]),
        (Sync.ON_DEMAND, 5, [HistoryProgress(percent=5, done=True)]),
        (Sync.INITIAL_BOOTSTRAP, 100, []),
        (Sync.PUSH_NAME, 100, []),
    ],
)
def test_how_far_it_is_comes_last(
    kind: Any, progress: int, told: list[HistoryProgress]
) -> None:
    raw = history_event(syncType=kind, progress=progress)

    assert items(Code.HISTORY_SYNC, raw) == told


def test_what_makes_no_sense_is_set_aside_alone_and_can_be_read_again() -> None:
    raw = history_event(
        conversations=[
            {
                "ID": BOB_LID,
                "pnJID": BOB_PHONE,
                "messages": [
                    remembered("no id", HOUR, ID=""),
                    remembered("fine", HOUR),
                ],
            },
            {"ID": FAMILY, "messages": [remembered("nobody's", HOUR)]},
        ]
    )

    found = everything(Code.HISTORY_SYNC, raw)

    rejected = [one for one in found if isinstance(one, Rejected)]
    assert [one.reason for one in rejected] == ["ValueError", "ValueError"]
    assert b"fine" not in b"".join(one.raw for one in rejected)
    assert only(Message, items(Code.HISTORY_SYNC, raw)).body == "fine"
    for one in rejected:
        (again,) = everything(Code.HISTORY_SYNC, one.raw)
        assert again == one


def test_a_message_without_a_key_is_set_aside_too() -> None:
    message = b"\x0a\x03\x1a\x01x"  # a WebMessageInfo of unknown bytes only
    body = history.Conversation(ID=BOB_LID).SerializeToString()
    body += wrapped(history.Conversation.MESSAGES_FIELD_NUMBER, message)
    raw = wrapped(1, wrapped(history.HistorySync.CONVERSATIONS_FIELD_NUMBER, body))

    (found,) = everything(Code.HISTORY_SYNC, raw)

    assert isinstance(found, Rejected)
    assert everything(Code.HISTORY_SYNC, found.raw) == [found]


def test_one_damaged_message_does_not_cost_its_chat() -> None:
    good = remembered("fine", HOUR).SerializeToString()
    bad = b"\x0a\x02\xff\xff"
    body = history.Conversation(ID=BOB_LID).SerializeToString()
    for message in (good, bad):
        body += wrapped(history.Conversation.MESSAGES_FIELD_NUMBER, message)
    raw = wrapped(1, wrapped(history.HistorySync.CONVERSATIONS_FIELD_NUMBER, body))

    found = everything(Code.HISTORY_SYNC, raw)

    assert [one.body for one in found if isinstance(one, Message)] == ["fine"]
    assert sum(isinstance(one, Rejected) for one in found) == 1
