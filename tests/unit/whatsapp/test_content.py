"""Every kind of message keeps what people would look for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.whatsapp.protobufs import e2e
from connector.domain.addresses import Jid
from tests.unit.whatsapp.neonize_events import BOB_LID, BOB_PHONE, FAMILY, NOW
from tests.unit.whatsapp.reading_events import said

JPEG = b"\xff\xd8\xff\xe0 a small picture"
JPEG_URI = "data:image/jpeg;base64,/9j/4CBhIHNtYWxsIHBpY3R1cmU="
KEYS: dict[str, Any] = {
    "directPath": "/v/t62/abc?ccb=1",
    "mediaKey": b"k" * 32,
    "fileSHA256": b"s" * 32,
    "fileEncSHA256": b"e" * 32,
    "fileLength": 1234,
}


def test_a_place_has_its_point_name_and_address() -> None:
    place = e2e.LocationMessage(
        degreesLatitude=-23.5,
        degreesLongitude=-46.6,
        name="Market",
        address="Rua 1",
        JPEGThumbnail=JPEG,
    )

    found = said(e2e.Message(locationMessage=place))

    assert (found.kind, found.body) == ("location", "Market")
    assert found.content == {
        "latitude": -23.5,
        "longitude": -46.6,
        "name": "Market",
        "address": "Rua 1",
        "thumbnail": JPEG_URI,
    }


@pytest.mark.parametrize("degrees", [float("nan"), float("inf"), 91.0])
def test_a_point_that_is_nowhere_is_left_out(degrees: float) -> None:
    place = e2e.LiveLocationMessage(degreesLatitude=degrees, caption="here")

    found = said(e2e.Message(liveLocationMessage=place))

    assert (found.kind, found.body) == ("live_location", "here")
    assert found.content == {"longitude": 0.0}


CARD = (
    "BEGIN:VCARD\nFN:Carla\n"
    "item1.TEL;waid=5511988887777:+55 11 98888-7777\nTEL;CELL:(11) 4444-3333\nEND:VCARD"
)


def test_contacts_have_the_numbers_of_their_cards() -> None:
    carla = e2e.ContactMessage(displayName="Carla", vcard=CARD)
    known = {
        "name": "Carla",
        "phones": ["+5511988887777", "(11) 4444-3333"],
        "vcard": CARD,
    }

    one = said(e2e.Message(contactMessage=carla))
    two = said(
        e2e.Message(
            contactsArrayMessage=e2e.ContactsArrayMessage(
                displayName="2 contacts", contacts=[carla, carla]
            )
        )
    )

    assert (one.kind, one.body, one.content) == (
        "contact",
        "Carla",
        {"contacts": [known]},
    )
    assert (two.kind, two.body) == ("contact", "2 contacts")
    assert two.content == {"contacts": [known, known]}


@pytest.mark.parametrize("version", ["", "V2", "V3", "V5"])
def test_a_poll_has_its_question_and_its_options(version: str) -> None:
    creation = e2e.PollCreationMessage(
        name="When?",
        options=[
            e2e.PollCreationMessage.Option(optionName=name) for name in ("Mon", "Tue")
        ],
        selectableOptionsCount=1,
    )

    named: dict[str, Any] = {f"pollCreationMessage{version}": creation}

    found = said(e2e.Message(**named))

    assert (found.kind, found.body) == ("poll", "When?")
    assert found.content == {"options": ["Mon", "Tue"], "selectable": 1}


def test_a_wrapped_poll_is_a_poll() -> None:
    inner = e2e.Message(pollCreationMessage=e2e.PollCreationMessage(name="When?"))
    wrapped = e2e.Message(pollCreationMessageV4=e2e.FutureProofMessage(message=inner))

    assert (said(wrapped).kind, said(wrapped).body) == ("poll", "When?")


def test_an_event_has_its_time_and_place() -> None:
    event = e2e.EventMessage(
        name="Party",
        description="bring cake",
        startTime=int(NOW.timestamp()),
        location=e2e.LocationMessage(name="Home"),
    )

    found = said(e2e.Message(eventMessage=event))

    assert (found.kind, found.body) == ("event", "Party")
    assert found.content == {
        "description": "bring cake",
        "starts_at": NOW.isoformat(),
        "location": {"latitude": 0.0, "longitude": 0.0, "name": "Home"},
    }


def test_pictures_of_an_album_name_it() -> None:
    album = e2e.Message(albumMessage=e2e.AlbumMessage(expectedImageCount=2))
    association = e2e.MessageAssociation(
        associationType=e2e.MessageAssociation.MEDIA_ALBUM,
        parentMessageKey={"ID": "3EBALBUM"},
    )
    picture = e2e.Message(
        imageMessage=e2e.ImageMessage(**KEYS),
        messageContextInfo=e2e.MessageContextInfo(messageAssociation=association),
    )

    assert (said(album).kind, said(album).content) == (
        "album",
        {"images": 2, "videos": 0},
    )
    assert said(picture).content == {"album_whatsapp_id": "3EBALBUM"}


def test_an_invitation_names_the_group_and_the_code() -> None:
    invite = e2e.GroupInviteMessage(
        groupJID=FAMILY, inviteCode="c0de", groupName="Family", caption="come"
    )

    found = said(e2e.Message(groupInviteMessage=invite))

    assert (found.kind, found.body) == ("group_invite", "come")
    assert found.content == {
        "group_jid": FAMILY,
        "group_name": "Family",
        "code": "c0de",
    }


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ('{"display_text": "Order", "id": "7"}', {"id": "7", "text": "Order"}),
        ('{"title": "Menu"}', {"id": "quick_reply", "text": "Menu"}),
        (r'{"title": "\ud83d"}', {"id": "quick_reply", "text": "?"}),
        ("not JSON", {"id": "quick_reply"}),
        ("[1]", {"id": "quick_reply"}),
        ('{"display_text": ["Order"]}', {"id": "quick_reply"}),
        ("[" * 16_000, {"id": "quick_reply"}),
        ('{"display_text": "' + "x" * 17_000 + '"}', {"id": "quick_reply"}),
    ],
)
def test_a_flows_buttons_have_what_stands_on_them(
    told: str, shown: dict[str, str]
) -> None:
    kinds = e2e.InteractiveMessage
    flow = kinds.NativeFlowMessage()
    flow.buttons.add(name="quick_reply", buttonParamsJSON=told)
    message = kinds(body=kinds.Body(text="How can I help?"), nativeFlowMessage=flow)

    found = said(e2e.Message(interactiveMessage=message))

    assert found.body == "How can I help?"
    assert found.content["choices"] == [shown]


def test_buttons_and_lists_read_as_their_text() -> None:
    buttons = e2e.ButtonsMessage(
        contentText="Which?",
        footerText="soon",
        buttons=[
            e2e.ButtonsMessage.Button(
                buttonID="a",
                buttonText=e2e.ButtonsMessage.Button.ButtonText(displayText="A"),
            )
        ],
    )

    found = said(e2e.Message(buttonsMessage=buttons))

    assert (found.kind, found.body) == ("interactive", "Which?")
    assert found.content == {"footer": "soon", "choices": [{"id": "a", "text": "A"}]}


@pytest.mark.parametrize(
    "message",
    [
        e2e.Message(
            buttonsResponseMessage=e2e.ButtonsResponseMessage(
                selectedDisplayText="A", selectedButtonID="a"
            )
        ),
        e2e.Message(
            listResponseMessage=e2e.ListResponseMessage(
                title="A",
                singleSelectReply=e2e.ListResponseMessage.SingleSelectReply(
                    selectedRowID="a"
                ),
            )
        ),
        e2e.Message(
            templateButtonReplyMessage=e2e.TemplateButtonReplyMessage(
                selectedDisplayText="A", selectedID="a"
            )
        ),
    ],
    ids=["buttons", "list", "template"],
)
def test_a_tap_reads_as_what_was_chosen(message: e2e.Message) -> None:
    found = said(message)

    assert (found.kind, found.body) == ("interactive_reply", "A")
    assert found.content == {"chosen_id": "a"}


def test_what_we_do_not_know_yet_still_shows() -> None:
    found = said(
        e2e.Message(orderMessage=e2e.OrderMessage(message="two cakes, please"))
    )

    assert (found.kind, found.body) == ("unsupported", "two cakes, please")
    assert found.content == {"raw_kind": "orderMessage"}


def test_a_reply_says_what_it_quotes_whom_it_mentions_and_how_long_it_lives() -> None:
    quoted = e2e.Message(imageMessage=e2e.ImageMessage(caption="look", **KEYS))
    context = e2e.ContextInfo(
        stanzaID="3EBQUOTED",
        participant=BOB_PHONE,
        quotedMessage=quoted,
        mentionedJID=[BOB_LID, "222000222000222:4@lid", "nonsense"],
        isForwarded=True,
        forwardingScore=3,
        expiration=86_400,
    )
    text = e2e.ExtendedTextMessage(text="@Bob", contextInfo=context)

    found = said(e2e.Message(extendedTextMessage=text))

    assert found.quoted_whatsapp_id == "3EBQUOTED"
    assert found.mentions == (Jid.parse(BOB_LID),)
    assert found.expires_at == NOW + timedelta(days=1)
    assert found.content == {
        "quoted": {"kind": "image", "body": "look", "sender_jid": BOB_PHONE},
        "forwarded": True,
        "forwarding_score": 3,
    }


def test_a_link_shows_where_it_leads() -> None:
    text = e2e.ExtendedTextMessage(
        text="see https://example.com",
        matchedText="https://example.com",
        title="Example",
        JPEGThumbnail=JPEG,
    )

    assert said(e2e.Message(extendedTextMessage=text)).content == {
        "link_preview": {
            "url": "https://example.com",
            "title": "Example",
            "thumbnail": JPEG_URI,
        }
    }


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript:1/alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//example.com",
        "file:///etc/passwd",
    ],
)
def test_a_link_that_does_more_than_lead_to_a_page_is_left_out(address: str) -> None:
    preview = e2e.ExtendedTextMessage(text="look", matchedText=address, title="Bank")
    place = e2e.LocationMessage(URL=address)
    event = e2e.EventMessage(name="party", joinLink=address)
    button = e2e.HydratedTemplateButton(
        urlButton=e2e.HydratedTemplateButton.HydratedURLButton(URL=address)
    )
    offer = e2e.TemplateMessage(
        hydratedTemplate=e2e.TemplateMessage.HydratedFourRowTemplate(
            hydratedButtons=[button]
        )
    )

    shown = said(e2e.Message(extendedTextMessage=preview)).content
    assert shown == {"link_preview": {"title": "Bank"}}
    assert "url" not in said(e2e.Message(locationMessage=place)).content
    assert "join_link" not in said(e2e.Message(eventMessage=event)).content
    assert said(e2e.Message(templateMessage=offer)).content["choices"] == [{}]


@pytest.mark.parametrize("address", ["HTTP://a.example:8080/x?y:z", "www.a.example/b"])
def test_a_link_stays_as_it_was_written(address: str) -> None:
    text = e2e.ExtendedTextMessage(text=address, matchedText=address)

    shown = said(e2e.Message(extendedTextMessage=text)).content

    assert shown == {"link_preview": {"url": address}}
