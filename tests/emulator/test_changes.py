"""What changes a message that was sent before: reactions, edits, deletions, votes."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from devstack.whatsapp import Group, Person, WhatsApp
from devstack.whatsapp.wire.protobufs import E2E
from tests.emulator.linked import Linked

Protocol = E2E.ProtocolMessage


async def test_a_reaction_names_what_it_is_about(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    said = await carla.says(family, "we won")
    sent = await bob.reacts(said, "🎉")
    taken_back = await bob.reacts(said, "")

    event = await ana.client.arrival(sent)
    empty = await ana.client.arrival(taken_back)

    reaction = event.Message.reactionMessage
    key = reaction.key
    assert (event.Info.Type, reaction.text) == ("reaction", "🎉")
    assert (key.ID, key.fromMe, key.participant) == (
        said.whatsapp_id,
        False,
        str(carla.lid),
    )
    assert empty.Message.reactionMessage.text == ""


async def test_an_edit_has_an_id_of_its_own(ana: Linked, bob: Person) -> None:
    said = await bob.says(ana.person, "3 cakes")

    event = await ana.client.arrival(await bob.edits(said, "4 cakes"))

    protocol = event.Message.protocolMessage
    assert (event.IsEdit, event.Info.Edit) == (True, "1")
    assert (protocol.key.ID, protocol.key.fromMe) == (said.whatsapp_id, True)
    assert protocol.editedMessage.conversation == "4 cakes"


async def test_a_message_is_deleted_by_its_author_or_an_admin(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    own = await bob.says(family, "a mistake")
    spam = await carla.says(family, "spam")

    by_author = await ana.client.arrival(await bob.deletes(own))
    by_admin = await ana.client.arrival(await bob.deletes(spam))

    assert [by_author.Info.Edit, by_admin.Info.Edit] == ["7", "8"]
    for event, deleted in ((by_author, own), (by_admin, spam)):
        protocol = event.Message.protocolMessage
        assert protocol.type == Protocol.REVOKE
        assert deleted.whatsapp_id == protocol.key.ID
    assert by_admin.Message.protocolMessage.key.participant == str(carla.lid)


async def test_a_pin_says_for_how_long(ana: Linked, bob: Person) -> None:
    said = await bob.says(ana.person, "the address")

    sent = await bob.pins_message(said, lasting=timedelta(days=1))
    event = await ana.client.arrival(sent)

    assert event.Info.Edit == "2"
    assert said.whatsapp_id == event.Message.pinInChatMessage.key.ID
    context = event.Message.messageContextInfo
    assert context.messageAddOnDurationInSecs == 24 * 3600


@pytest.mark.parametrize("selectable", [1, 0])
@pytest.mark.parametrize("addressing", ["lid", "pn"])
async def test_the_library_decrypts_a_vote(
    whatsapp: WhatsApp,
    ana: Linked,
    bob: Person,
    carla: Person,
    selectable: int,
    addressing: str,
) -> None:
    group = whatsapp.group("Lunch", bob, [ana.person, carla], addressing)  # type: ignore[arg-type] # a literal
    poll = await bob.polls(group, "Pizza or sushi?", ["Pizza", "Sushi"], selectable)
    await ana.client.arrival(poll)

    for voter in (bob, carla):
        vote = await ana.client.arrival(await voter.votes(poll, "Sushi"))
        opened = await ana.client.call("opened_vote", vote)

        assert vote.Info.Type == "poll"
        expected = hashlib.sha256(b"Sushi").digest()
        assert list(opened.selectedOptions) == [expected]


async def test_the_library_decrypts_votes_in_a_direct_chat(
    ana: Linked, bob: Person
) -> None:
    poll = await bob.polls(ana.person, "Now?", ["Yes", "No"])
    await ana.client.arrival(poll)
    for voter in (bob, ana.person):
        vote = await ana.client.arrival(await voter.votes(poll, "Yes"))

        opened = await ana.client.call("opened_vote", vote)

        assert len(opened.selectedOptions) == 1


async def test_newer_clients_encrypt_reactions_and_edits(
    ana: Linked, bob: Person, family: Group
) -> None:
    said = await bob.says(family, "with a secret", with_secret=True)

    reaction = await bob.reacts(said, "👍", encrypted=True)
    edit = await bob.edits(said, "changed", encrypted=True)

    encrypted = (await ana.client.arrival(reaction)).Message.encReactionMessage
    assert said.whatsapp_id == encrypted.targetMessageKey.ID
    hidden = (await ana.client.arrival(edit)).Message.secretEncryptedMessage
    assert hidden.secretEncType == E2E.SecretEncryptedMessage.MESSAGE_EDIT


async def test_a_timer_is_carried_by_what_is_said_then(
    ana: Linked, friend: Person
) -> None:
    setting = await friend.sets_timer(ana.person, timedelta(days=1))
    assert setting is not None
    said = await friend.says(ana.person, "gone tomorrow")
    picture = await friend.sends_image(ana.person, b"gone tomorrow too")
    await friend.sets_timer(ana.person, timedelta())
    lasting = await friend.says(ana.person, "here to stay")

    event = await ana.client.arrival(setting)
    protocol = event.Message.protocolMessage
    assert protocol.type == Protocol.EPHEMERAL_SETTING
    assert protocol.ephemeralExpiration == 24 * 3600
    text = (await ana.client.arrival(said)).Message.extendedTextMessage
    image = (await ana.client.arrival(picture)).Message.imageMessage
    assert text.contextInfo.expiration == image.contextInfo.expiration == 24 * 3600
    assert (await ana.client.arrival(lasting)).Message.conversation == "here to stay"


async def test_what_the_owner_changes_on_the_phone_is_copied(
    ana: Linked, bob: Person
) -> None:
    asked = await bob.says(ana.person, "any cake?")
    said = await ana.person.says(bob, "yes, 5 reais")
    sent = [
        await ana.person.edits(said, "yes, 6 reais"),
        await ana.person.reacts(asked, "🎂"),
        await ana.person.deletes(said),
        await ana.person.sends_image(bob, b"the cake"),
    ]

    for one in sent:
        source = (await ana.client.arrival(one)).Info.MessageSource
        assert source.IsFromMe
        assert source.Chat.User == bob.lid_user
