"""What leaves for what an app asked for, and what is refused before it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.addresses import Jid
from connector.domain.messages import Json
from connector.domain.outgoing import (
    ContactCard,
    KnownMessage,
    LinkPreview,
    MediaKind,
    OutgoingContacts,
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingMessage,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingText,
    Quoted,
    Target,
)
from connector.errors import InvalidPayload
from tests.unit.composing import (
    A_WEEK,
    BOB,
    BOBS,
    FAMILY,
    FILE,
    MESSAGE_ID,
    NOW,
    OURS,
    US,
    composed,
)

PREVIEW = LinkPreview(url="https://example.org", title="Found")


def refusal(kind: str, *arguments: Any, **named: Any) -> str:
    with pytest.raises(InvalidPayload, match=r"^payload\.\w+ ") as refused:
        composed(kind, *arguments, **named)
    return refused.value.reason


def test_a_text_leaves_as_it_is() -> None:
    assert composed("text", {"text": " *oi* \n"}) == OutgoingMessage(
        content=OutgoingText(text=" *oi* \n"), expiration=A_WEEK
    )


def test_messages_of_a_chat_where_they_disappear_say_so() -> None:
    assert composed("text", {"text": "hi"}).expiration == A_WEEK


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (True, PREVIEW),
        (False, None),
        (
            {"url": "https://example.org", "title": "Ours", "description": "of us"},
            LinkPreview(url="https://example.org", title="Ours", description="of us"),
        ),
    ],
)
def test_a_link_is_shown_as_it_was_found_or_as_the_app_says(
    asked: Json, shown: LinkPreview | None
) -> None:
    message = composed("text", {"text": "x", "link_preview": asked}, preview=PREVIEW)

    assert message.content == OutgoingText(text="x", preview=shown)


def test_numbers_that_are_mentioned_become_addresses() -> None:
    message = composed(
        "text", {"text": "x", "mentions": ["+55 21 98765-4321", "1@lid"]}
    )

    assert message.mentions == (Jid("5521987654321", "s.whatsapp.net"), BOB)


@pytest.mark.parametrize("kind", [kind.value for kind in MediaKind])
def test_a_file_is_shown_as_its_kind(kind: str) -> None:
    message = composed(kind, {"storage_path": "a"}, file=FILE)

    assert message.content == OutgoingMedia(kind=MediaKind(kind), file=FILE)


def test_a_picture_has_a_caption_and_may_be_seen_once() -> None:
    asked: dict[str, Json] = {"storage_path": "a", "caption": "c", "view_once": True}

    assert composed("image", asked, file=FILE).content == OutgoingMedia(
        kind=MediaKind.IMAGE, file=FILE, caption="c", view_once=True
    )


def test_a_place_and_a_poll_leave_as_they_are() -> None:
    place: dict[str, Json] = {
        "latitude": -22.9,
        "longitude": -43,
        "name": "Cristo",
        "address": "Rio",
        "url": "https://example.org",
    }
    poll: dict[str, Json] = {"question": "?", "options": ["a", "b"], "selectable": 0}

    assert composed("location", place).content == OutgoingLocation(
        latitude=-22.9,
        longitude=-43,
        name="Cristo",
        address="Rio",
        url="https://example.org",
    )
    assert composed("poll", poll).content == OutgoingPoll(
        question="?", options=("a", "b"), selectable=0
    )


def test_a_contact_is_a_card_that_opens_a_chat() -> None:
    asked: dict[str, Json] = {
        "contacts": [
            {
                "name": "Carla Dias",
                "phone_numbers": ["+55 11 98888-7777", "14155552671"],
                "organization": "Dias, Filhos; Cia \\ Co",
                "email": "carla@example.org",
            }
        ]
    }

    assert composed("contact", asked).content == OutgoingContacts(
        cards=(
            ContactCard(
                name="Carla Dias",
                vcard="BEGIN:VCARD\n"
                "VERSION:3.0\n"
                "N:;Carla Dias;;;\n"
                "FN:Carla Dias\n"
                "ORG:Dias\\, Filhos\\; Cia \\\\ Co;\n"
                "TEL;type=CELL;type=VOICE;waid=5511988887777:+5511988887777\n"
                "TEL;type=CELL;type=VOICE;waid=14155552671:+14155552671\n"
                "EMAIL;type=INTERNET:carla@example.org\n"
                "END:VCARD",
            ),
        )
    )


def test_a_name_adds_no_line_to_its_card() -> None:
    name = "Eve\r\nTEL:190\nEND:VCARD\x0b\u2028X"
    asked: dict[str, Json] = {
        "contacts": [{"name": name, "phone_numbers": ["5511988887777"]}]
    }

    content = composed("contact", asked).content

    assert isinstance(content, OutgoingContacts)
    assert content.cards[0].vcard.splitlines() == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:;Eve\\nTEL:190\\nEND:VCARD\\nX;;;",
        "FN:Eve\\nTEL:190\\nEND:VCARD\\nX",
        "TEL;type=CELL;type=VOICE;waid=5511988887777:+5511988887777",
        "END:VCARD",
    ]


def test_a_reply_shows_what_it_answers() -> None:
    asked: dict[str, Json] = {"text": "yes", "reply_to": MESSAGE_ID}

    message = composed("text", asked, reply_to=BOBS)

    assert message.quoted == Quoted(
        target=target_of(BOBS, BOB), author=BOB, kind="text", body="see you"
    )


def test_a_reply_may_be_to_ourselves_and_to_what_was_said_elsewhere() -> None:
    asked: dict[str, Json] = {"text": "yes", "reply_to": MESSAGE_ID}

    to_us = composed("text", asked, reply_to=OURS).quoted
    privately = composed("text", asked, reply_to=replace(BOBS, chat=FAMILY)).quoted

    assert to_us is not None
    assert (to_us.author, to_us.target.sender) == (US, None)
    assert privately is not None
    assert (privately.author, privately.target.chat) == (BOB, FAMILY)


def test_a_reply_does_not_bring_back_what_was_deleted() -> None:
    asked: dict[str, Json] = {"text": "yes", "reply_to": MESSAGE_ID}

    quoted = composed("text", asked, reply_to=replace(BOBS, revoked=True)).quoted

    assert quoted is not None
    assert quoted.body is None


@pytest.mark.parametrize(
    ("reply_to", "code"),
    [
        (None, "message_not_found"),
        (replace(OURS, whatsapp_id=None), "message_not_sent"),
        (replace(BOBS, kind="system"), "message_not_found"),
        (replace(BOBS, author=None), "message_not_found"),
    ],
)
def test_a_reply_needs_a_message_that_whatsapp_knows(
    reply_to: KnownMessage | None, code: str
) -> None:
    asked: dict[str, Json] = {"text": "yes", "reply_to": MESSAGE_ID}

    assert refusal("text", asked, reply_to=reply_to) == code


def target_of(message: KnownMessage, sender: Jid | None) -> Target:
    return Target(
        whatsapp_id=str(message.whatsapp_id),
        chat=message.chat,
        sender=sender,
        sent_at=message.sent_at,
    )


def test_a_reaction_is_at_anybodys_message_and_may_be_taken_back() -> None:
    asked: dict[str, Json] = {"message_id": MESSAGE_ID, "emoji": ""}

    assert composed("reaction", asked, message=BOBS).content == OutgoingReaction(
        target=target_of(BOBS, BOB), emoji=""
    )
    assert composed("reaction", asked, message=OURS).content == OutgoingReaction(
        target=target_of(OURS, None), emoji=""
    )


def test_our_text_can_be_edited_and_mention_others() -> None:
    asked: dict[str, Json] = {
        "message_id": MESSAGE_ID,
        "text": "at nine",
        "mentions": ["1@lid"],
    }

    assert composed("edit", asked, message=OURS) == OutgoingMessage(
        content=OutgoingEdit(target=target_of(OURS, None), text="at nine"),
        mentions=(BOB,),
        expiration=A_WEEK,
    )


def aged(message: KnownMessage, **age: float) -> KnownMessage:
    return replace(message, sent_at=NOW - timedelta(**age))


def test_our_message_can_be_deleted_and_in_a_group_anybodys() -> None:
    theirs = replace(BOBS, chat=FAMILY)
    last = aged(OURS, hours=60)

    assert composed("delete", message=theirs).content == OutgoingDeletion(
        target=target_of(theirs, BOB)
    )
    assert composed("delete", message=last).content == OutgoingDeletion(
        target=target_of(last, None)
    )


REFUSED = [
    ("reaction", None, "message_not_found"),
    ("reaction", replace(BOBS, kind="call"), "message_not_found"),
    ("reaction", replace(BOBS, author=None, chat=FAMILY), "message_not_found"),
    ("reaction", replace(OURS, whatsapp_id=None), "message_not_sent"),
    ("reaction", replace(BOBS, revoked=True), "already_deleted"),
    ("edit", None, "message_not_found"),
    ("edit", replace(OURS, whatsapp_id=None), "message_not_sent"),
    ("edit", BOBS, "not_yours"),
    ("edit", replace(OURS, kind="image"), "not_editable"),
    ("edit", replace(OURS, revoked=True), "already_deleted"),
    ("edit", aged(OURS, minutes=20, seconds=1), "edit_too_late"),
    ("delete", None, "message_not_found"),
    ("delete", replace(OURS, kind="system"), "message_not_found"),
    ("delete", replace(OURS, whatsapp_id=None), "message_not_sent"),
    ("delete", BOBS, "not_yours"),
    ("delete", replace(OURS, revoked=True), "already_deleted"),
    ("delete", aged(OURS, hours=60, seconds=1), "delete_too_late"),
    ("delete", aged(replace(BOBS, chat=FAMILY), hours=61), "delete_too_late"),
    ("forward", None, "message_not_found"),
    ("forward", replace(BOBS, revoked=True), "already_deleted"),
    ("forward", replace(BOBS, kind="system"), "message_not_found"),
    ("forward", replace(BOBS, body=None), "not_forwardable"),
    ("forward", replace(BOBS, content={"truncated": True}), "not_forwardable"),
    ("forward", replace(BOBS, kind="image"), "not_forwardable"),
    ("forward", replace(BOBS, kind="location"), "not_forwardable"),
    ("forward", replace(BOBS, kind="contact"), "not_forwardable"),
    *(
        ("forward", replace(BOBS, kind=kind), "not_forwardable")
        for kind in ("poll", "view_once", "undecryptable", "unsupported", "sticker")
    ),
]


def test_what_whatsapp_would_not_take_is_refused_first() -> None:
    for kind, message, code in REFUSED:
        asked: dict[str, Json] = {"message_id": MESSAGE_ID}
        asked |= {"edit": {"text": "x"}, "reaction": {"emoji": "👍"}}.get(kind, {})

        assert refusal(kind, asked, message=message) == code, (kind, message)
