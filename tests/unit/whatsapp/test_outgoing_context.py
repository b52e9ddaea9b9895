"""What may accompany any message that is sent: a quote, its being a forward, a timer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.adapters.whatsapp.reading.content import reading
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    ContactCard,
    MediaKind,
    OutgoingContacts,
    OutgoingContent,
    OutgoingLocation,
    OutgoingPoll,
    OutgoingText,
    Quoted,
)
from tests.unit.whatsapp.writing_messages import (
    ANA,
    BOB,
    FAMILY,
    media,
    target,
    written,
)


@pytest.mark.parametrize(
    "content",
    [
        OutgoingText(text="t"),
        *(media(kind) for kind in MediaKind),
        OutgoingLocation(latitude=1.0, longitude=2.0),
        OutgoingContacts(cards=(ContactCard(name="Eva", vcard="v"),)),
        OutgoingPoll(question="q", options=("a", "b"), selectable=1),
    ],
    ids=lambda content: getattr(content, "kind", type(content).__name__),
)
def test_any_new_message_can_quote_be_passed_on_and_disappear(
    content: OutgoingContent,
) -> None:
    quoted = Quoted(
        target=target(sender=BOB), author=BOB, kind="text", body="what was said"
    )

    message = written(
        content, quoted=quoted, times_forwarded=3, expiration=timedelta(days=1)
    )

    [(_, inside)] = message.ListFields()
    beside = inside.contextInfo
    assert (beside.stanzaID, beside.participant) == ("3EB0AA", str(BOB))
    assert beside.quotedMessage.conversation == "what was said"
    assert not beside.HasField("remoteJID")
    assert (beside.isForwarded, beside.forwardingScore) == (True, 3)
    assert beside.expiration == 86_400


@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "image",
        "video",
        "gif",
        "video_note",
        "audio",
        "voice",
        "document",
        "sticker",
        "location",
        "live_location",
        "contact",
        "poll",
        "event",
    ],
)
def test_a_quote_reads_as_the_kind_it_quotes(kind: str) -> None:
    quoted = Quoted(target=target(sender=BOB), author=BOB, kind=kind, body="a body")

    message = written(OutgoingText(text="yes"), quoted=quoted)

    said = reading.read(message)
    assert said is not None
    told = said.content["quoted"]
    assert isinstance(told, dict)
    assert told["kind"] == kind
    wordless = {"video_note", "audio", "voice", "sticker", "contact"}
    assert told.get("body") == (
        "a body" if kind not in wordless - {"contact"} else None
    )


@pytest.mark.parametrize("body", [None, "its text"])
def test_a_kind_without_a_form_of_its_own_is_quoted_by_its_words(
    body: str | None,
) -> None:
    quoted = Quoted(target=target(), author=ANA, kind="interactive", body=body)

    message = written(OutgoingText(text="yes"), quoted=quoted)

    snapshot = message.extendedTextMessage.contextInfo.quotedMessage
    assert snapshot.HasField("conversation")
    assert snapshot.conversation == (body or "")


def test_a_quote_from_a_group_in_private_says_where_it_was_said() -> None:
    said = Quoted(
        target=target(FAMILY, sender=BOB), author=BOB, kind="text", body="here"
    )

    privately = written(OutgoingText(text="psst"), to=BOB, quoted=said)
    openly = written(OutgoingText(text="yes"), to=FAMILY, quoted=said)

    assert privately.extendedTextMessage.contextInfo.remoteJID == str(FAMILY)
    assert not openly.extendedTextMessage.contextInfo.HasField("remoteJID")


def test_two_addresses_of_one_person_are_no_two_chats() -> None:
    said = Quoted(target=target(BOB, sender=BOB), author=BOB, kind="text", body="a")

    message = written(
        OutgoingText(text="b"), to=Jid.of_phone("5511912345678"), quoted=said
    )

    assert not message.extendedTextMessage.contextInfo.HasField("remoteJID")
