"""Every kind of message, as the real library tells it to its program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from devstack.whatsapp import Group, Person, SentMessage
from devstack.whatsapp.wire.protobufs import E2E
from tests.emulator.client import Neonize
from tests.emulator.linked import Linked

FILE = b"any bytes at all " * 5
MEDIA = {
    "image": ("imageMessage", "media", "image"),
    "video": ("videoMessage", "media", "video"),
    "gif": ("videoMessage", "media", "gif"),
    "video_note": ("ptvMessage", "media", "ptv"),
    "audio": ("audioMessage", "media", "audio"),
    "voice": ("audioMessage", "media", "ptt"),
    "document": ("documentMessage", "media", "document"),
    "sticker": ("stickerMessage", "media", "sticker"),
}


@pytest.mark.parametrize("kind", MEDIA)
async def test_a_file_arrives_as_its_kind_and_can_be_opened(
    ana: Linked, bob: Person, kind: str
) -> None:
    send: Callable[..., Awaitable[SentMessage]] = getattr(bob, f"sends_{kind}")

    event = await ana.client.arrival(await send(ana.person, FILE))

    field, stanza_type, media_type = MEDIA[kind]
    info = event.Info
    assert event.Message.HasField(field)
    assert (info.Type, info.MediaType) == (stanza_type, media_type)
    if kind != "video_note":  # which neonize cannot download
        assert await ana.client.call("download_any", event.Message) == FILE


async def test_a_caption_puts_a_document_into_an_envelope(
    ana: Linked, bob: Person
) -> None:
    sent = await bob.sends_document(
        ana.person, FILE, file_name="list.csv", mime_type="text/csv", caption="prices"
    )

    event = await ana.client.arrival(sent)

    document = event.Message.documentMessage
    assert event.IsDocumentWithCaption
    assert (document.caption, document.fileName) == ("prices", "list.csv")
    assert document.mimetype == "text/csv"


async def test_a_voice_message_has_a_waveform(ana: Linked, bob: Person) -> None:
    sent = await bob.sends_voice(ana.person, FILE, seconds=7, waveform=range(64))

    audio = (await ana.client.arrival(sent)).Message.audioMessage

    assert (audio.seconds, list(audio.waveform)) == (7, list(range(64)))


async def test_what_whatsapp_deleted_cannot_be_downloaded(
    ana: Linked, bob: Person
) -> None:
    sent = await bob.sends_image(ana.person, FILE, expired=True)

    event = await ana.client.arrival(sent)

    with pytest.raises(Exception, match="410"):
        await ana.client.call("download_any", event.Message)


async def test_a_forged_file_is_noticed(ana: Linked, bob: Person) -> None:
    sent = await bob.sends_image(ana.person, FILE, forged=True)

    event = await ana.client.arrival(sent)

    with pytest.raises(Exception, match=r"(?i)hash|sha"):
        await ana.client.call("download_any", event.Message)


@pytest.mark.parametrize("of", ["image", "video", "voice"])
async def test_what_may_be_seen_once_says_so(ana: Linked, bob: Person, of: str) -> None:
    sent = await bob.sends_view_once(ana.person, FILE, of=of)  # type: ignore[arg-type] # a literal

    assert (await ana.client.arrival(sent)).IsViewOnce


async def test_what_is_not_for_linked_devices_is_unavailable(
    ana: Linked, bob: Person
) -> None:
    sent = await bob.sends_view_once(ana.person, FILE, readable=False)

    event = await ana.client.event(
        Neonize.UndecryptableMessage,
        lambda event: sent.whatsapp_id == event.Info.ID,
    )
    assert event.IsUnavailable
    await ana.device.has_everything()


async def test_pictures_of_an_album_belong_together(ana: Linked, bob: Person) -> None:
    album, *pictures = await bob.sends_album(ana.person, [FILE, FILE])

    announced = await ana.client.arrival(album)
    events = [await ana.client.arrival(picture) for picture in pictures]

    assert announced.Message.albumMessage.expectedImageCount == 2
    for event in events:
        belongs = event.Message.messageContextInfo.messageAssociation
        assert album.whatsapp_id == belongs.parentMessageKey.ID


async def test_a_link_has_a_preview(ana: Linked, bob: Person) -> None:
    sent = await bob.sends_link(
        ana.person, "see https://example.com", url="https://example.com", title="Cake"
    )

    event = await ana.client.arrival(sent)

    text = event.Message.extendedTextMessage
    assert (text.matchedText, text.title) == ("https://example.com", "Cake")
    assert event.Info.MediaType == "url"


async def test_a_reply_quotes_and_mentions(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    question = await carla.says(family, "which cake?")
    sent = await bob.replies(family, question, "ask Ana", mentioning=[ana.person])

    context = (await ana.client.arrival(sent)).Message.extendedTextMessage.contextInfo

    assert (context.stanzaID, context.participant) == (
        question.whatsapp_id,
        str(carla.lid),
    )
    assert context.quotedMessage.conversation == "which cake?"
    assert list(context.mentionedJID) == [str(ana.person.lid)]


async def test_a_forward_keeps_the_file(ana: Linked, bob: Person) -> None:
    image = await bob.sends_image(ana.person, FILE, "look")
    sent = await bob.forwards(ana.person, image, times=6)

    message = (await ana.client.arrival(sent)).Message.imageMessage

    assert message.directPath == image.message.imageMessage.directPath
    context = message.contextInfo
    assert (context.isForwarded, context.forwardingScore) == (True, 6)


async def test_places_and_people_arrive(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    place = await bob.sends_location(ana.person, -22.95, -43.21, name="Cristo")
    live = await bob.shares_live_location(ana.person, -23.5, -46.6, caption="coming")
    card = await bob.shares_contacts(ana.person, carla)
    cards = await bob.shares_contacts(ana.person, carla, bob)
    invitation = await bob.invites_to_group(ana.person, family)
    party = await bob.invites_to_event(
        ana.person, "Party", begins=datetime.now(UTC), place="Home"
    )

    async def message(sent: SentMessage) -> E2E.Message:
        received: E2E.Message = (await ana.client.arrival(sent)).Message
        return received

    assert (await message(place)).locationMessage.name == "Cristo"
    assert (await message(live)).liveLocationMessage.caption == "coming"
    assert f"waid={carla.number}" in (await message(card)).contactMessage.vcard
    assert len((await message(cards)).contactsArrayMessage.contacts) == 2
    assert (await message(invitation)).groupInviteMessage.groupName == "Família"
    assert (await message(party)).eventMessage.location.name == "Home"


async def test_what_a_business_offers_is_tapped_on(ana: Linked, bob: Person) -> None:
    offers = [
        await bob.sends_buttons(ana.person, "How can I help?", ["Order", "Return"]),
        await bob.sends_list(ana.person, "How can I help?", ["Order", "Return"]),
        await bob.sends_template(ana.person, "How can I help?", ["Order"]),
        await bob.sends_flow(ana.person, "How can I help?", ["Order"]),
    ]
    fields = []
    for offer in offers:
        reply = await bob.taps(offer, "Order")
        event = await ana.client.arrival(reply)
        fields += [field.name for field, _ in event.Message.ListFields()]

    assert fields == [
        "buttonsResponseMessage",
        "listResponseMessage",
        "templateButtonReplyMessage",
        "interactiveResponseMessage",
    ]


async def test_any_message_at_all_can_be_sent(ana: Linked, bob: Person) -> None:
    note = E2E.Message(conversation="pix")
    payment = E2E.SendPaymentMessage(noteMessage=note)

    sent = await bob.sends_raw(ana.person, E2E.Message(sendPaymentMessage=payment))

    event = await ana.client.arrival(sent)
    assert event.Message.sendPaymentMessage.noteMessage.conversation == "pix"
