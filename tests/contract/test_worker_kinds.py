"""Each kind of message, sent by a real worker and decrypted by who it was for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    ContactCard,
    FileFacts,
    LinkPreview,
    MediaKind,
    OutgoingContacts,
    OutgoingDeletion,
    OutgoingEdit,
    OutgoingFile,
    OutgoingLocation,
    OutgoingMedia,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingText,
    Quoted,
    Target,
)
from devstack.whatsapp import Group
from devstack.whatsapp.stanza_kinds import outside
from tests.contract.talking_number import (
    NOW,
    Told,
    World,
    address,
    talking_number,
)

pytestmark = pytest.mark.xdist_group("whatsapp-worker")

PICTURE = FileFacts(
    mime_type="image/jpeg",
    width=64,
    height=48,
    duration=timedelta(seconds=3),
    thumbnail=b"\xff\xd8\xff a small jpeg",
)
WAVES = bytes(range(64))


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with talking_number(tmp_path_factory.mktemp("kinds")) as world:
        yield world


@pytest.fixture(params=["a person", "a group"])
def to(world: World, request: pytest.FixtureRequest) -> Jid:
    """Every kind goes to both."""
    chat = world.family if request.param == "a group" else world.bob
    return address(chat.jid)


def same_outside(told: Told, **but: Any) -> None:
    """The stanza says of the message what WhatsApp's own apps would."""
    expected = outside(told.heard.message)._replace(**but)
    if isinstance(told.heard.chat, Group):
        # whatsmeow puts it on the keys only, not on what is encrypted for everybody.
        expected = expected._replace(hides_failure=False)
    assert told.heard.outside == expected


async def test_a_text_goes_as_it_is(world: World, to: Jid) -> None:
    told = await world.send(to, OutgoingText(text="*olá* _você_"))

    assert told.heard.message.conversation == "*olá* _você_"
    same_outside(told)


async def test_a_reply_with_mentions_in_a_chat_whose_messages_disappear(
    world: World, to: Jid
) -> None:
    asked = await world.send(to, OutgoingText(text="who comes?"))
    quoted = Quoted(
        target=asked.as_target(to),
        author=address(world.ana.lid),
        kind="text",
        body="who comes?",
    )

    told = await world.send(
        to,
        OutgoingText(text="you, @1?"),
        quoted=quoted,
        mentions=(address(world.bob.lid),),
        expiration=timedelta(days=7),
        times_forwarded=1,
    )

    beside = told.message.extendedTextMessage.contextInfo
    assert beside.stanzaID == asked.sent.whatsapp_id
    assert beside.quotedMessage.conversation == "who comes?"
    assert list(beside.mentionedJID) == [str(world.bob.lid)]
    assert (beside.expiration, beside.isForwarded) == (604_800, True)
    same_outside(told)


async def test_a_link_is_shown_with_its_page(world: World, to: Jid) -> None:
    preview = LinkPreview(
        url="https://a.example", title="A page", thumbnail=PICTURE.thumbnail
    )

    told = await world.send(
        to, OutgoingText(text="see https://a.example", preview=preview)
    )

    assert told.message.extendedTextMessage.title == "A page"
    same_outside(told)


@pytest.mark.parametrize("kind", list(MediaKind))
async def test_a_file_arrives_byte_for_byte(
    world: World, to: Jid, kind: MediaKind
) -> None:
    plain = os.urandom(100_003)
    voice = FileFacts(
        mime_type="audio/ogg", duration=timedelta(seconds=4.4), waveform=WAVES
    )
    facts = voice if kind is MediaKind.VOICE else replace(PICTURE, file_name="a.pdf")
    file = OutgoingFile(uploaded=await world.uploaded(plain, kind), facts=facts)
    captioned = kind not in {MediaKind.AUDIO, MediaKind.VOICE}

    told = await world.send(
        to, OutgoingMedia(kind=kind, file=file, caption="look" if captioned else None)
    )

    assert await world.bob.opens(told.heard) == plain
    [(descriptor, inside)] = [
        one for one in told.message.ListFields() if one[0].name != "messageContextInfo"
    ]
    assert inside.fileSHA256 == hashlib.sha256(plain).digest()
    if kind is MediaKind.VOICE:
        assert (inside.PTT, inside.seconds, inside.waveform) == (True, 4, WAVES)
        assert inside.mimetype == "audio/ogg; codecs=opus"
    if captioned:
        assert inside.caption == "look"
    assert descriptor.name.startswith(kind.media_type)
    same_outside(told)


@pytest.mark.parametrize("kind", [MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.VOICE])
async def test_a_file_to_be_seen_once(world: World, to: Jid, kind: MediaKind) -> None:
    plain = os.urandom(1_000)
    file = OutgoingFile(uploaded=await world.uploaded(plain, kind), facts=PICTURE)

    told = await world.send(to, OutgoingMedia(kind=kind, file=file, view_once=True))

    assert await world.bob.opens(told.heard) == plain
    same_outside(told)


async def test_one_upload_serves_several_messages(world: World) -> None:
    plain = os.urandom(1_000)
    file = OutgoingFile(
        uploaded=await world.uploaded(plain, MediaKind.IMAGE), facts=PICTURE
    )
    before = len(world.whatsapp.media.uploads)

    for chat in (world.bob, world.family):
        told = await world.send(
            address(chat.jid), OutgoingMedia(kind=MediaKind.IMAGE, file=file)
        )
        assert await world.bob.opens(told.heard) == plain

    assert len(world.whatsapp.media.uploads) == before


async def test_a_place(world: World, to: Jid) -> None:
    told = await world.send(to, OutgoingLocation(latitude=-23.5, longitude=-46.6))

    place = told.message.locationMessage
    assert (place.degreesLatitude, place.degreesLongitude) == (-23.5, -46.6)
    # whatsmeow knows no places: on the outside it is a text.
    same_outside(told, type="text", media_type=None)


@pytest.mark.parametrize("count", [1, 3])
async def test_contacts(world: World, to: Jid, count: int) -> None:
    cards = tuple(ContactCard(name=f"n{n}", vcard=f"card {n}") for n in range(count))

    told = await world.send(to, OutgoingContacts(cards=cards))

    several = told.message.contactsArrayMessage.contacts
    shown = several if count > 1 else [told.message.contactMessage]
    assert [card.vcard for card in shown] == [card.vcard for card in cards]
    same_outside(told)


@pytest.mark.parametrize("selectable", [0, 1])
async def test_a_poll_can_be_voted_on(world: World, to: Jid, selectable: int) -> None:
    poll = OutgoingPoll(
        question="When?", options=("now", "later"), selectable=selectable
    )

    told = await world.send(to, poll)
    await world.bob.votes(told.heard, "later")

    assert told.message.pollCreationMessage.name == "When?"
    same_outside(told)
    # Only the secret that we chose opens it.
    chosen = (await world.vote_on(told.sent)).options
    assert chosen == (hashlib.sha256(b"later").digest(),)


async def test_a_reaction_and_its_end(world: World, to: Jid) -> None:
    text = await world.send(to, OutgoingText(text="a text"))
    target = text.as_target(to)

    given = await world.send(to, OutgoingReaction(target=target, emoji="👍"))
    taken = await world.send(to, OutgoingReaction(target=target, emoji=""))

    assert (given.message.reactionMessage.text, given.heard.outside.edit) == (
        "👍",
        None,
    )
    assert (taken.message.reactionMessage.text, taken.heard.outside.edit) == ("", "7")
    assert text.sent.whatsapp_id == given.message.reactionMessage.key.ID
    for told in (given, taken):
        same_outside(told)


async def test_a_reaction_to_what_somebody_else_said(world: World) -> None:
    said = await world.bob.says(world.family, "I said that")
    target = Target(
        whatsapp_id=said.whatsapp_id,
        chat=address(world.family.jid),
        sender=address(world.bob.lid),
        sent_at=NOW,
    )

    told = await world.send(target.chat, OutgoingReaction(target=target, emoji="👍"))

    key = told.message.reactionMessage.key
    assert (key.fromMe, key.participant) == (False, str(world.bob.lid))


async def test_an_edit(world: World, to: Jid) -> None:
    text = await world.send(to, OutgoingText(text="wrnog"))

    told = await world.send(to, OutgoingEdit(target=text.as_target(to), text="right"))

    change = told.message.protocolMessage
    assert text.sent.whatsapp_id == change.key.ID
    assert change.editedMessage.conversation == "right"
    assert told.heard.outside.edit == "1"
    same_outside(told)


async def test_a_deletion(world: World, to: Jid) -> None:
    text = await world.send(to, OutgoingText(text="never mind"))

    told = await world.send(to, OutgoingDeletion(target=text.as_target(to)))

    assert text.sent.whatsapp_id == told.message.protocolMessage.key.ID
    assert told.heard.outside.edit == "7"
    same_outside(told)


async def test_an_admin_deletes_what_somebody_else_said(world: World) -> None:
    said = await world.bob.says(world.family, "something rude")
    family = address(world.family.jid)
    target = Target(
        whatsapp_id=said.whatsapp_id,
        chat=family,
        sender=address(world.bob.lid),
        sent_at=NOW,
    )

    told = await world.send(family, OutgoingDeletion(target=target))

    assert told.heard.outside.edit == "8"
    assert told.message.protocolMessage.key.participant == str(world.bob.lid)
    same_outside(told)
