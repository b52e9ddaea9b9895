"""The outside of a message follows from its inside."""

from __future__ import annotations

import pytest

from devstack.whatsapp import stanza_kinds
from devstack.whatsapp.stanza_kinds import PLAIN_TEXT
from devstack.whatsapp.wire.protobufs import E2E, Common

Protocol = E2E.ProtocolMessage
OWN, OTHERS = Common.MessageKey(fromMe=True), Common.MessageKey(fromMe=False)


def inside(wrapper: str, message: E2E.Message) -> E2E.Message:
    wrapped = E2E.Message()
    getattr(wrapped, wrapper).message.CopyFrom(message)
    return wrapped


def test_plain_text_is_what_the_rules_say_of_it() -> None:
    message = E2E.Message(conversation="oi")

    assert stanza_kinds.outside(message) == PLAIN_TEXT
    assert stanza_kinds.stanza_type(message) == PLAIN_TEXT.type
    assert stanza_kinds.media_type(message) is PLAIN_TEXT.media_type
    assert stanza_kinds.edit_attribute(message) is PLAIN_TEXT.edit
    assert stanza_kinds.hides_failure(message) is PLAIN_TEXT.hides_failure


@pytest.mark.parametrize(
    ("message", "kind", "media_type"),
    [
        (E2E.Message(imageMessage=E2E.ImageMessage()), "media", "image"),
        (E2E.Message(audioMessage=E2E.AudioMessage(PTT=True)), "media", "ptt"),
        (
            inside(
                "viewOnceMessageV2",
                E2E.Message(videoMessage=E2E.VideoMessage(gifPlayback=True)),
            ),
            "media",
            "gif",
        ),
        (
            E2E.Message(pollCreationMessageV3=E2E.PollCreationMessage(name="?")),
            "poll",
            None,
        ),
        (E2E.Message(eventMessage=E2E.EventMessage(name="!")), "event", None),
    ],
)
def test_a_stanza_names_the_kind_of_its_message(
    message: E2E.Message, kind: str, media_type: str | None
) -> None:
    outside = stanza_kinds.outside(message)

    assert (outside.type, outside.media_type) == (kind, media_type)
    assert not outside.hides_failure


@pytest.mark.parametrize(
    ("message", "edit"),
    [
        (E2E.Message(reactionMessage=E2E.ReactionMessage(text="x")), None),
        (E2E.Message(reactionMessage=E2E.ReactionMessage()), "7"),
        (E2E.Message(pinInChatMessage=E2E.PinInChatMessage()), "2"),
        (
            E2E.Message(protocolMessage=Protocol(type=Protocol.REVOKE, key=OWN)),
            "7",
        ),
        (
            E2E.Message(protocolMessage=Protocol(type=Protocol.REVOKE, key=OTHERS)),
            "8",
        ),
        (
            inside(
                "editedMessage",
                E2E.Message(protocolMessage=Protocol(type=Protocol.MESSAGE_EDIT)),
            ),
            "1",
        ),
    ],
)
def test_what_changes_a_message_leaves_no_trace_when_it_fails(
    message: E2E.Message, edit: str | None
) -> None:
    outside = stanza_kinds.outside(message)

    assert (outside.edit, outside.hides_failure) == (edit, True)
