"""Edits, deletions, reactions and settings of a chat name what they change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.changes import Edit, Reaction, Revocation
from connector.domain.chats import ChatColumn, ChatUpdate, Profile
from connector.domain.messages import Message, Source
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
    NOW_MS,
    source,
)
from tests.unit.whatsapp.reading_events import (
    ANA,
    BOB,
    BOBS_CHAT,
    FAMILY_CHAT,
    IN_FAMILY,
    key,
    meant,
    only,
)

P = e2e.ProtocolMessage
FROM_ANA = source(
    BOB_LID, ANA_LID, from_me=True, SenderAlt=ANA_PHONE, RecipientAlt=BOB_PHONE
)
CARLA_LID = "333000333000333@lid"


def protocol(kind: Any, named: Any, **given: Any) -> e2e.Message:
    return e2e.Message(protocolMessage=P(type=kind, key=named, **given))


def edited(new: e2e.Message, **given: Any) -> e2e.Message:
    return protocol(P.MESSAGE_EDIT, key("3EBOLD"), editedMessage=new, **given)


NEW_WORDS = e2e.Message(
    extendedTextMessage=e2e.ExtendedTextMessage(
        text="better", contextInfo=e2e.ContextInfo(mentionedJID=[ANA_LID])
    )
)


@pytest.mark.parametrize(
    "change",
    [
        protocol(P.REVOKE, key("")),
        protocol(P.MESSAGE_EDIT, key(""), editedMessage=NEW_WORDS),
        e2e.Message(reactionMessage=e2e.ReactionMessage(text="x")),
        e2e.Message(pollUpdateMessage=e2e.PollUpdateMessage(senderTimestampMS=NOW_MS)),
    ],
    ids=["revoke", "edit", "reaction", "vote"],
)
def test_what_changes_no_message_says_nothing_and_is_no_dead_letter(
    change: e2e.Message,
) -> None:
    assert meant(change) == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_edit_has_the_new_words(*, wrapped: bool) -> None:
    change = edited(NEW_WORDS, timestampMS=NOW_MS - 250)
    if wrapped:
        change = e2e.Message(editedMessage=e2e.FutureProofMessage(message=change))

    assert meant(change, id="3EBEDIT", edit="1") == [
        Edit(
            chat=BOBS_CHAT,
            whatsapp_id="3EBOLD",
            from_me=False,
            sender=BOB,
            edit_id="3EBEDIT",
            body="better",
            mentions=(ANA.jid,),
            edited_at=NOW - timedelta(milliseconds=250),
        )
    ]


def test_our_own_edit_is_from_us() -> None:
    edit = only(Edit, meant(edited(NEW_WORDS), FROM_ANA))

    assert (edit.from_me, edit.sender, edit.edited_at) == (True, ANA, NOW)


def test_an_edited_caption_leaves_the_file_alone() -> None:
    new = e2e.Message(imageMessage=e2e.ImageMessage(caption="better"))

    edit = only(Edit, meant(edited(new)))

    assert (edit.body, edit.content) == ("better", {})


def test_a_clock_that_is_far_off_is_not_believed() -> None:
    edit = only(Edit, meant(edited(NEW_WORDS, timestampMS=NOW_MS + 3_600_000)))

    assert edit.edited_at == NOW


def test_an_author_takes_back_their_own() -> None:
    change = protocol(P.REVOKE, key("3EBOLD", fromMe=True))

    assert meant(change, edit="7") == [
        Revocation(
            chat=BOBS_CHAT,
            whatsapp_id="3EBOLD",
            from_me=False,
            author=BOB,
            revoked_by=BOB,
            by_admin=False,
            revoked_at=NOW,
        )
    ]


@pytest.mark.parametrize(
    ("participant", "ours"), [(ANA_LID, True), (ANA_PHONE, True), (CARLA_LID, False)]
)
def test_an_admin_takes_back_somebody_elses(participant: str, *, ours: bool) -> None:
    named = key("3EBOLD", fromMe=False, participant=participant, remoteJID=FAMILY)

    found = only(Revocation, meant(protocol(P.REVOKE, named), IN_FAMILY, edit="8"))

    assert (found.by_admin, found.from_me) == (True, ours)
    assert (found.chat, found.revoked_by) == (FAMILY_CHAT, BOB)
    assert found.author is not None
    assert participant in {str(found.author.lid), str(found.author.phone)}


@pytest.mark.parametrize("where", [None, IN_FAMILY])
def test_nobody_is_an_admin_by_saying_so(where: Any) -> None:
    named = key("3EBOLD", fromMe=False, participant=CARLA_LID)
    edit = "7" if where is IN_FAMILY else "8"

    found = only(Revocation, meant(protocol(P.REVOKE, named), where, edit=edit))

    assert (found.by_admin, found.author) == (False, BOB)


@pytest.mark.parametrize("emoji", ["\U0001f44d", ""])
def test_a_reaction_is_the_emoji_or_nothing(emoji: str) -> None:
    reaction = e2e.ReactionMessage(
        key=key("3EBOLD"), text=emoji, senderTimestampMS=NOW_MS + 1
    )

    assert meant(e2e.Message(reactionMessage=reaction)) == [
        Reaction(
            chat=BOBS_CHAT,
            whatsapp_id="3EBOLD",
            sender=BOB,
            from_me=False,
            emoji=emoji,
            reacted_at=NOW + timedelta(milliseconds=1),
        )
    ]


@pytest.mark.parametrize(("told", "seconds"), [(604_800, 604_800), (0, None)])
def test_disappearing_messages_are_a_setting_and_a_notice(
    told: int, seconds: int | None
) -> None:
    change = protocol(P.EPHEMERAL_SETTING, key(""), ephemeralExpiration=told)

    found = meant(change, id="3EBSET")

    assert only(ChatUpdate, found) == ChatUpdate(
        chat=BOBS_CHAT,
        as_of=NOW,
        columns={ChatColumn.DISAPPEARING_SECONDS: seconds},
    )
    notice = only(Message, found)
    assert (notice.whatsapp_id, notice.kind) == ("3EBSET", "system")
    assert notice.content == {
        "event": "disappearing",
        "by": BOB_LID,
        "seconds": seconds,
    }


def test_a_pin_is_a_notice() -> None:
    pin = e2e.PinInChatMessage(key=key("3EBOLD"), type=e2e.PinInChatMessage.PIN_FOR_ALL)

    notice = only(Message, meant(e2e.Message(pinInChatMessage=pin)))

    assert notice.content == {"event": "pinned", "by": BOB_LID, "whatsapp_id": "3EBOLD"}


def test_keeping_a_message_is_nobodys_news() -> None:
    keep = e2e.KeepInChatMessage(key=key("3EBOLD"))

    assert meant(e2e.Message(keepInChatMessage=keep)) == []


def test_a_business_has_a_verified_name() -> None:
    verified = {"Details": {"verifiedName": "Bob's Cakes"}}

    found = meant(e2e.Message(conversation="hi"), verified=verified)

    assert only(Profile, found) == Profile(person=BOB, business_name="Bob's Cakes")
    assert only(Message, found).source is Source.LIVE
