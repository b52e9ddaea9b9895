"""What each kind of message looks like inside, as WhatsApp's own apps write it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.adapters.whatsapp.process import outgoing
from connector.adapters.whatsapp.protobufs import e2e, events
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    ContactCard,
    FileFacts,
    LinkPreview,
    MediaKind,
    OutgoingContacts,
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingText,
)
from tests.unit.whatsapp.writing_messages import (
    ANA,
    BOB,
    FAMILY,
    FILE,
    NOW,
    fields,
    media,
    target,
    written,
)


def test_a_bare_text_is_a_conversation() -> None:
    assert written(OutgoingText(text="*olá*")) == e2e.Message(conversation="*olá*")


def test_a_text_in_company_is_an_extended_one() -> None:
    message = written(OutgoingText(text="@1 olá"), mentions=(BOB, ANA))

    assert fields(message) == ["extendedTextMessage"]
    assert message.extendedTextMessage.text == "@1 olá"
    assert list(message.extendedTextMessage.contextInfo.mentionedJID) == [
        str(BOB),
        str(ANA),
    ]


def test_a_preview_shows_the_page_under_the_text() -> None:
    preview = LinkPreview(
        url="https://a.example/x",
        title="A page",
        description="What it says",
        thumbnail=b"jpeg",
    )

    message = written(OutgoingText(text="see https://a.example/x", preview=preview))

    shown = message.extendedTextMessage
    assert (shown.matchedText, shown.title) == (preview.url, "A page")
    assert (shown.description, shown.JPEGThumbnail) == ("What it says", b"jpeg")
    assert shown.HasField("previewType")
    assert not shown.HasField("contextInfo")


def test_a_preview_may_have_a_title_alone() -> None:
    preview = LinkPreview(url="https://a.example", title="A page")

    shown = written(OutgoingText(text="t", preview=preview)).extendedTextMessage

    assert not shown.HasField("description")
    assert not shown.HasField("JPEGThumbnail")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (MediaKind.IMAGE, "imageMessage"),
        (MediaKind.VIDEO, "videoMessage"),
        (MediaKind.GIF, "videoMessage"),
        (MediaKind.AUDIO, "audioMessage"),
        (MediaKind.VOICE, "audioMessage"),
        (MediaKind.DOCUMENT, "documentMessage"),
    ],
)
def test_every_file_says_where_it_is_and_how_to_open_it(
    kind: MediaKind, field: str
) -> None:
    message = written(media(kind))

    assert fields(message) == [field]
    file = getattr(message, field)
    assert (file.URL, file.directPath) == (FILE.uploaded.url, FILE.uploaded.direct_path)
    assert file.mediaKey == b"k" * 32
    assert (file.fileSHA256, file.fileEncSHA256) == (b"p" * 32, b"e" * 32)
    assert (file.fileLength, file.mimetype) == (4_321, "video/mp4")
    assert file.mediaKeyTimestamp == int(NOW.timestamp())
    assert not file.HasField("contextInfo")


def test_pictures_and_films_say_how_large_they_are_and_look() -> None:
    image = written(media(MediaKind.IMAGE, caption="us")).imageMessage
    video = written(media(MediaKind.VIDEO, caption="us")).videoMessage
    gif = written(media(MediaKind.GIF)).videoMessage

    for shown in (image, video, gif):
        assert (shown.width, shown.height) == (640, 480)
        assert shown.JPEGThumbnail == FILE.facts.thumbnail
    assert (image.caption, video.caption) == ("us", "us")
    assert not gif.HasField("caption")
    assert (video.seconds, gif.seconds) == (13, 13)
    assert (video.gifPlayback, gif.gifPlayback) == (False, True)


def test_a_voice_note_is_played_as_one() -> None:
    facts = FileFacts(
        mime_type="audio/ogg", duration=timedelta(seconds=0.3), waveform=bytes(64)
    )
    voice = OutgoingMedia(kind=MediaKind.VOICE, file=replace(FILE, facts=facts))

    audio = written(voice).audioMessage

    assert audio.PTT is True
    assert audio.mimetype == "audio/ogg; codecs=opus"
    assert audio.seconds == 1
    assert audio.waveform == bytes(64)


def test_a_waveform_of_another_length_is_left_out() -> None:
    facts = FileFacts(mime_type="audio/mp4", waveform=bytes(63))
    voice = OutgoingMedia(kind=MediaKind.VOICE, file=replace(FILE, facts=facts))

    audio = written(voice).audioMessage

    assert not audio.HasField("waveform")
    assert not audio.HasField("seconds")
    assert audio.mimetype == "audio/mp4"  # passed on from somebody's iPhone


def test_a_file_of_sound_is_not_a_voice_note() -> None:
    audio = written(media(MediaKind.AUDIO)).audioMessage

    assert (audio.PTT, audio.seconds) == (False, 13)
    assert not audio.HasField("waveform")


def test_a_captioned_document_has_an_envelope() -> None:
    facts = FileFacts(mime_type="text/csv", file_name="list.csv", thumbnail=b"jpeg")
    file = replace(FILE, facts=facts)

    bare = written(OutgoingMedia(kind=MediaKind.DOCUMENT, file=file))
    captioned = written(
        OutgoingMedia(kind=MediaKind.DOCUMENT, file=file, caption="the list")
    )

    assert bare.documentMessage.fileName == bare.documentMessage.title == "list.csv"
    assert bare.documentMessage.JPEGThumbnail == b"jpeg"
    inner = captioned.documentWithCaptionMessage.message.documentMessage
    assert (inner.fileName, inner.caption) == ("list.csv", "the list")


@pytest.mark.parametrize(
    ("kind", "envelope"),
    [
        (MediaKind.IMAGE, "viewOnceMessageV2"),
        (MediaKind.VIDEO, "viewOnceMessageV2"),
        (MediaKind.VOICE, "viewOnceMessageV2Extension"),
    ],
)
def test_what_may_be_seen_once_says_so_inside_and_outside(
    kind: MediaKind, envelope: str
) -> None:
    message = written(media(kind, view_once=True))

    assert fields(message) == [envelope]
    [(_, file)] = getattr(message, envelope).message.ListFields()
    assert file.viewOnce is True


def test_a_place_has_its_degrees_and_what_it_is_called() -> None:
    place = OutgoingLocation(
        latitude=-23.5,
        longitude=-46.6,
        name="Office",
        address="Rua A, 1",
        url="https://a.example",
    )

    location = written(place).locationMessage

    assert (location.degreesLatitude, location.degreesLongitude) == (-23.5, -46.6)
    assert (location.name, location.address) == ("Office", "Rua A, 1")
    assert location.URL == "https://a.example"
    bare = written(OutgoingLocation(latitude=0.0, longitude=0.0)).locationMessage
    assert fields(bare) == ["degreesLatitude", "degreesLongitude"]


def test_one_contact_is_a_card_and_several_are_an_array() -> None:
    cards = tuple(ContactCard(name=name, vcard=f"of {name}") for name in ("Eva", "Rui"))

    one = written(OutgoingContacts(cards=cards[:1]), mentions=(BOB,))
    two = written(OutgoingContacts(cards=cards), mentions=(BOB,))

    assert (one.contactMessage.displayName, one.contactMessage.vcard) == (
        "Eva",
        "of Eva",
    )
    assert list(one.contactMessage.contextInfo.mentionedJID) == [str(BOB)]
    several = two.contactsArrayMessage
    assert [card.displayName for card in several.contacts] == ["Eva", "Rui"]
    assert several.displayName == "2 contacts"
    assert list(several.contextInfo.mentionedJID) == [str(BOB)]


@pytest.mark.parametrize("selectable", [0, 1, 2])
def test_a_poll_says_what_may_be_chosen(selectable: int) -> None:
    poll = OutgoingPoll(
        question="When?", options=("now", "later"), selectable=selectable
    )

    asked = written(poll).pollCreationMessage

    assert asked.name == "When?"
    assert [option.optionName for option in asked.options] == ["now", "later"]
    assert asked.selectableOptionsCount == selectable


def test_a_reaction_names_its_message_from_our_side() -> None:
    to_theirs = OutgoingReaction(target=target(sender=BOB), emoji="👍")
    to_ours = OutgoingReaction(target=target(), emoji="")

    theirs, ours = (written(one).reactionMessage for one in (to_theirs, to_ours))

    assert (theirs.text, ours.text) == ("👍", "")
    assert ours.HasField("text")
    assert theirs.senderTimestampMS == int(NOW.timestamp() * 1000)
    assert (theirs.key.ID, theirs.key.remoteJID) == ("3EB0AA", str(BOB))
    assert (theirs.key.fromMe, ours.key.fromMe) == (False, True)
    assert not theirs.key.HasField("participant")


def test_in_a_group_a_message_of_somebody_elses_is_named_with_its_author() -> None:
    theirs = written(OutgoingDeletion(target=target(FAMILY, sender=ANA)), to=FAMILY)
    ours = written(OutgoingDeletion(target=target(FAMILY)), to=FAMILY)

    assert theirs.protocolMessage.key.participant == str(ANA)
    assert not ours.protocolMessage.key.HasField("participant")


def test_a_deletion_says_that_it_is_one() -> None:
    message = written(OutgoingDeletion(target=target()))

    assert message.protocolMessage.HasField("type")
    assert message.protocolMessage.type == e2e.ProtocolMessage.REVOKE


def test_an_edit_holds_the_new_text_and_names_the_old_one() -> None:
    message = written(OutgoingEdit(target=target(), text="better"), mentions=(ANA,))

    change = message.editedMessage.message.protocolMessage
    assert change.type == e2e.ProtocolMessage.MESSAGE_EDIT
    assert (change.key.ID, change.key.fromMe) == ("3EB0AA", True)
    assert change.timestampMS == int(NOW.timestamp() * 1000)
    assert change.editedMessage.extendedTextMessage.text == "better"
    mentioned = change.editedMessage.extendedTextMessage.contextInfo.mentionedJID
    assert list(mentioned) == [str(ANA)]
    bare = written(OutgoingEdit(target=target(), text="better")).editedMessage.message
    assert bare.protocolMessage.editedMessage.conversation == "better"


def test_an_address_is_whole_for_neonize() -> None:
    jid = events.JID.FromString(outgoing.address(Jid.parse("5511912345678@c.us")))

    assert (jid.User, jid.Server, jid.Device) == ("5511912345678", "c.us", 0)
    assert jid.IsInitialized()
