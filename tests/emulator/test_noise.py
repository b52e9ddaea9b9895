"""Status updates, newsletters and calls, which most programs do not want."""

from __future__ import annotations

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import Neonize, plain
from tests.emulator.linked import Linked


async def test_a_status_reaches_who_saved_the_poster(
    ana: Linked, friend: Person
) -> None:
    ana.person.phone.saves_contact(friend, "Friend")

    sent = await friend.posts_status("at the beach")

    source = (await ana.client.arrival(sent)).Info.MessageSource
    assert str(plain(source.Chat)) == "status@broadcast"
    assert plain(source.Sender) == friend.lid
    await ana.device.has_everything()


async def test_ones_own_status_comes_back(ana: Linked) -> None:
    sent = await ana.person.posts_status("my own", seen_by=[])

    assert (await ana.client.arrival(sent)).Info.MessageSource.IsFromMe


async def test_a_newsletter_is_not_encrypted(whatsapp: WhatsApp, ana: Linked) -> None:
    news = whatsapp.newsletter("News", [ana.person])

    post = await news.posts("headline")
    await news.edits(post, "corrected")

    message = await ana.client.message("headline")
    assert plain(message.Info.MessageSource.Chat) == news.jid
    assert post.id == message.Info.ID
    await ana.client.message("corrected")
    await ana.device.has_everything()


async def test_a_call_is_offered_and_ends(ana: Linked, bob: Person) -> None:
    call = await bob.calls(ana.person, video=True)
    await call.ends()

    offer = await ana.client.event(Neonize.CallOffer)
    end = await ana.client.event(Neonize.CallTerminate)
    meta = offer.basicCallMeta
    assert (meta.callID, plain(meta.callCreator)) == (call.id, bob.lid)
    assert "video" in str(offer.data)
    assert (end.basicCallMeta.callID, end.reason) == (call.id, "timeout")


async def test_a_call_of_a_group_is_a_notice(
    ana: Linked, bob: Person, family: Group
) -> None:
    call = await bob.calls(family)

    notice = await ana.client.event(Neonize.CallOfferNotice)

    assert (notice.basicCallMeta.callID, notice.media) == (call.id, "audio")
