"""Every kind an app can insert, as the other phone decrypts it and as the app's inbox shows it."""

from __future__ import annotations

import pytest

from devstack.app import Row
from devstack.whatsapp.wire.protobufs import E2E
from tests.acceptance.world import Linked


@pytest.fixture
def linked(number: Linked) -> Linked:
    return number


async def _heard_text(linked: Linked, text: str) -> Row:
    return await linked.shown("wa_messages", body=text)


async def test_formatting_mentions_and_a_preview_arrive_as_written(
    linked: Linked,
) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])
    payload = {
        "text": f"*Atenção* @{carla.number}: https://example.com/preços",
        "mentions": [carla.number],
        "link_preview": {"url": "https://example.com/preços", "title": "Tabela"},
    }

    row_id = await linked.inserts("text", payload, to=str(team.jid))
    heard = await bob.hears()
    await linked.app.outbox_is(row_id, "delivered")

    text = heard.message.extendedTextMessage
    assert text.text == payload["text"]
    assert list(text.contextInfo.mentionedJID) in ([str(carla.jid)], [str(carla.lid)])
    assert (text.matchedText, text.title) == ("https://example.com/preços", "Tabela")


async def test_a_reply_quotes_what_it_answers(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    question = await bob.says(linked.owner, "Vocês abrem domingo?")
    asked = await linked.said(question)

    await linked.inserts(
        "text", {"text": "Sim, às 9h.", "reply_to": asked["id"]}, to=asked["chat_id"]
    )
    pending = await linked.message("Sim, às 9h.")
    heard = await bob.hears()

    quoted = heard.message.extendedTextMessage.contextInfo
    assert quoted.stanzaID == question.whatsapp_id
    assert quoted.participant == str(bob.lid)
    assert quoted.quotedMessage.conversation == "Vocês abrem domingo?"
    assert pending["quoted_message_id"] == asked["id"]


async def test_a_place_and_contact_cards_arrive_whole(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    place = {
        "latitude": -23.561414,
        "longitude": -46.655881,
        "name": "MASP",
        "address": "Av. Paulista, 1578",
    }
    cards = {
        "contacts": [
            {"name": "Ana; vendas", "phone_numbers": ["+55 11 98765-4321"]},
            {"name": "Caio", "phone_numbers": ["+55 11 91234-5678"]},
        ]
    }

    await linked.inserts("location", place, to=bob.number)
    await linked.inserts("contact", cards, to=bob.number)
    location = (await bob.hears()).message.locationMessage
    contacts = (await bob.hears()).message.contactsArrayMessage.contacts

    assert location.degreesLatitude == pytest.approx(place["latitude"])
    assert location.degreesLongitude == pytest.approx(place["longitude"])
    assert (location.name, location.address) == ("MASP", "Av. Paulista, 1578")
    assert [card.displayName for card in contacts] == ["Ana; vendas", "Caio"]
    assert "waid=5511987654321" in contacts[0].vcard
    assert r"FN:Ana\; vendas" in contacts[0].vcard
    shown = await linked.shown("wa_messages", kind="location")
    assert shown["content"]["latitude"] == pytest.approx(place["latitude"])


async def test_a_poll_is_voted_on_and_counted(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    poll = {"question": "Entrega quando?", "options": ["manhã", "tarde"]}

    row_id = await linked.inserts("poll", poll, to=bob.number)
    heard = await bob.hears()
    await linked.app.outbox_is(row_id, "delivered")
    await bob.votes(heard, "tarde")
    asked = await linked.shown("wa_messages", kind="poll")
    counted = await linked.app.row_where(
        "wa_poll_results", lambda row: row["votes"], message_id=asked["id"]
    )

    assert asked["body"] == "Entrega quando?"
    assert (counted["option"], counted["votes"]) == ("tarde", 1)


async def test_a_reaction_is_seen_on_both_sides_and_taken_back(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    said = await bob.says(linked.owner, "obrigado!")
    row = await linked.said(said)

    await linked.inserts("reaction", {"message_id": row["id"], "emoji": "❤️"})
    heard = (await bob.hears()).message.reactionMessage
    ours = await linked.shown("wa_reactions", whatsapp_id=said.whatsapp_id)
    await linked.inserts("reaction", {"message_id": row["id"], "emoji": ""})
    taken_back = (await bob.hears()).message.reactionMessage

    assert (heard.text, heard.key.ID) == ("❤️", said.whatsapp_id)
    assert not heard.key.fromMe
    assert (ours["emoji"], ours["from_me"]) == ("❤️", True)
    assert (taken_back.text, taken_back.key.ID) == ("", said.whatsapp_id)

    await linked.app.row_where(
        "wa_reactions",
        lambda kept: not kept["emoji"],
        whatsapp_id=said.whatsapp_id,
    )


async def test_an_edit_and_a_deletion_change_the_message_on_both_sides(
    linked: Linked,
) -> None:
    bob = linked.world.somebody("Bob")
    row_id = await linked.sends(bob.number, "São 3 bolos")
    first = await bob.hears()
    sent = await linked.app.outbox_is(row_id, "delivered")

    await linked.inserts("edit", {"message_id": sent["message_id"], "text": "São 4"})
    edit = (await bob.hears()).message
    edited = await linked.shown("wa_messages", body="São 4")
    await linked.inserts("delete", {"message_id": sent["message_id"]})
    deletion = (await bob.hears()).message.protocolMessage
    deleted = await linked.app.row_where(
        "wa_messages", lambda row: row["revoked_at"], id=sent["message_id"]
    )

    change = _edit_in(edit)
    assert change.key.ID == deletion.key.ID == first.whatsapp_id
    assert change.editedMessage.conversation == "São 4" or (
        change.editedMessage.extendedTextMessage.text == "São 4"
    )
    assert deletion.type == E2E.ProtocolMessage.REVOKE
    assert edited["id"] == deleted["id"] == sent["message_id"]
    assert edited["edited_at"] is not None
    earlier = await linked.app.rows("wa_message_edits", message_id=edited["id"])
    assert [one["body"] for one in earlier] == ["São 3 bolos"]


def _edit_in(message: E2E.Message) -> E2E.ProtocolMessage:
    if message.HasField("editedMessage"):
        return message.editedMessage.message.protocolMessage
    return message.protocolMessage


async def test_an_admin_deletes_what_a_member_wrote(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    team = world.stage.whatsapp.group("Time", linked.owner, [bob, carla])
    spam = await linked.said(await bob.says(team, "spam"))

    row_id = await linked.inserts("delete", {"message_id": spam["id"]})
    await linked.app.outbox_is(row_id, "sent", "delivered")
    while not (heard := await carla.hears()).message.HasField("protocolMessage"):
        pass
    row = await linked.app.row_where(
        "wa_messages", lambda one: one["revoked_at"], id=spam["id"]
    )

    assert spam["whatsapp_id"] == heard.message.protocolMessage.key.ID
    assert row["revoked_by_jid"] in (str(linked.owner.lid), str(linked.owner.jid))


async def test_a_text_is_forwarded_and_says_so(linked: Linked) -> None:
    world = linked.world
    bob, carla = world.somebody("Bob"), world.somebody("Carla")
    said = await linked.said(await bob.says(linked.owner, "promoção até sexta"))

    await linked.inserts("forward", {"message_id": said["id"]}, to=carla.number)
    heard = (await carla.hears()).message.extendedTextMessage

    assert heard.text == "promoção até sexta"
    assert heard.contextInfo.isForwarded
    assert heard.contextInfo.forwardingScore == 1


async def test_opening_a_chat_ticks_what_was_read(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    first = await bob.says(linked.owner, "oi")
    await bob.says(linked.owner, "tem alguém?")
    row = await linked.message("tem alguém?")

    row_id = await linked.inserts("read", {}, to=row["chat_id"])
    await linked.app.outbox_is(row_id, "sent")

    await bob.was_read(first)
    [chat] = await linked.app.rows("wa_chats", id=row["chat_id"])
    assert chat["unread_count"] == 0


async def test_typing_is_shown_before_a_text_and_by_itself(linked: Linked) -> None:
    bob = linked.world.somebody("Bob")
    await linked.said(await bob.says(linked.owner, "oi"))

    await linked.inserts("typing", {"state": "recording", "seconds": 1}, to=bob.number)
    recording = await bob.sees_typing()
    stopped = await bob.sees_typing()
    await linked.inserts("text", {"text": "pronto", "typing_seconds": 1}, to=bob.number)
    typing = await bob.sees_typing()
    heard = await bob.hears()

    signs = [each.doing for each in (recording, stopped, typing)]
    assert signs == ["recording", "paused", "typing"]
    assert heard.text == "pronto"
