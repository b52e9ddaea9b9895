"""What is sent on of a message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.messages import Json
from connector.domain.outgoing import (
    ContactCard,
    LinkPreview,
    MediaKind,
    OutgoingContacts,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingText,
)
from connector.errors import InvalidPayload
from tests.unit.composing import BOBS, FILE, OTHER_FILE, OURS, composed


def test_a_text_goes_on_with_what_its_link_showed() -> None:
    kept: dict[str, Json] = {
        "url": "https://example.org",
        "title": "T",
        "thumbnail": "data:image/jpeg;base64,/9j/",
    }

    message = composed("forward", message=replace(BOBS, content={"link_preview": kept}))

    assert message.content == OutgoingText(
        text="see you",
        preview=LinkPreview(
            url="https://example.org", title="T", thumbnail=b"\xff\xd8\xff"
        ),
    )


@pytest.mark.parametrize(
    "kept",
    [
        "x",
        {"url": "https://example.org"},
        {"title": "T"},
    ],
)
def test_half_a_preview_is_none(kept: Json) -> None:
    message = composed("forward", message=replace(BOBS, content={"link_preview": kept}))

    assert message.content == OutgoingText(text="see you")


@pytest.mark.parametrize(
    "thumbnail", ["data:image/png;base64,AA==", "data:image/jpeg;base64,%", 7]
)
def test_a_picture_of_a_link_that_is_none_is_left_out(thumbnail: Json) -> None:
    kept: dict[str, Json] = {"url": "u", "title": "T", "thumbnail": thumbnail}

    message = composed("forward", message=replace(BOBS, content={"link_preview": kept}))

    assert message.content == OutgoingText(
        text="see you", preview=LinkPreview(url="u", title="T")
    )


@pytest.mark.parametrize("kind", [kind.value for kind in MediaKind])
def test_a_file_goes_on_without_being_uploaded_again(kind: str) -> None:
    message = composed("forward", message=replace(BOBS, kind=kind, file=FILE))

    assert message.content == OutgoingMedia(
        kind=MediaKind(kind), file=FILE, caption="see you"
    )


def test_a_file_that_was_uploaded_for_it_goes_before_the_originals() -> None:
    image = replace(BOBS, kind="image", body=None, file=FILE)

    message = composed("forward", message=image, file=OTHER_FILE)

    assert message.content == OutgoingMedia(kind=MediaKind.IMAGE, file=OTHER_FILE)


def test_a_place_goes_on() -> None:
    content: dict[str, Json] = {
        "latitude": -22.9,
        "longitude": -43,
        "name": "Cristo",
        "thumbnail": "data:…",
    }

    message = composed(
        "forward", message=replace(BOBS, kind="location", content=content)
    )

    assert message.content == OutgoingLocation(
        latitude=-22.9, longitude=-43, name="Cristo"
    )


def test_contacts_go_on_as_their_cards() -> None:
    content: dict[str, Json] = {
        "contacts": [{"name": "Carla", "vcard": "BEGIN:VCARD"}, {"vcard": "BEGIN"}]
    }

    message = composed(
        "forward", message=replace(BOBS, kind="contact", content=content)
    )

    assert message.content == OutgoingContacts(
        cards=(
            ContactCard(name="Carla", vcard="BEGIN:VCARD"),
            ContactCard(name="", vcard="BEGIN"),
        )
    )


def test_no_contact_is_left_out_in_silence() -> None:
    content: dict[str, Json] = {"contacts": [{"vcard": "BEGIN:VCARD"}, {"name": "B"}]}
    contacts = replace(BOBS, kind="contact", content=content)

    with pytest.raises(InvalidPayload, match="not kept whole"):
        composed("forward", message=contacts)


@pytest.mark.parametrize(
    ("content", "times"),
    [
        ({}, 1),
        ({"forwarded": True}, 2),
        ({"forwarded": True, "forwarding_score": 4}, 5),
        ({"forwarding_score": "many"}, 1),
    ],
)
def test_each_forward_counts_one_more(content: dict[str, Json], times: int) -> None:
    message = composed("forward", message=replace(BOBS, content=content))

    assert message.times_forwarded == times


def test_what_we_wrote_ourselves_is_not_said_to_be_forwarded() -> None:
    passed_on = {"forwarded": True, "forwarding_score": 2}

    assert composed("forward", message=OURS).times_forwarded == 0
    assert (
        composed("forward", message=replace(OURS, content=passed_on)).times_forwarded
        == 2
    )
