"""Profile pictures: who is told, and what is answered to who asks."""

from __future__ import annotations

import ssl

import pytest
from aiohttp import ClientSession

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import CallFailed, Neonize, neonize_jid, plain
from tests.emulator.linked import Linked

JPEG = b"\xff\xd8\xff\xe0 a jpeg"


def asked(*, preview: bool = False, known: str = "") -> Neonize.GetProfilePictureParams:
    """neonize heeds these only when all of them are there."""
    return Neonize.GetProfilePictureParams(
        Preview=preview, ExistingID=known, IsCommunity=False
    )


async def test_a_picture_lies_on_the_media_host(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    friend.shows_picture(JPEG)
    jid = neonize_jid(friend.jid)

    large = await ana.client.call("get_profile_picture", jid)
    small = await ana.client.call("get_profile_picture", jid, asked(preview=True))

    for picture, kind in ((large, "image"), (small, "preview")):
        assert picture.URL.startswith("https://pps.whatsapp.net/")
        assert picture.Type == kind
        assert whatsapp.media.get(picture.DirectPath) == JPEG


async def test_whoever_has_the_address_fetches_the_picture_through_the_proxy(
    whatsapp: WhatsApp, ana: Linked, friend: Person
) -> None:
    friend.shows_picture(JPEG)
    found = await ana.client.call("get_profile_picture", neonize_jid(friend.jid))
    way = whatsapp.environment

    async with (
        ClientSession() as session,
        session.get(
            found.URL,
            proxy=way["HTTPS_PROXY"],
            ssl=ssl.create_default_context(cafile=way["SSL_CERT_FILE"]),
        ) as answer,
    ):
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        assert await answer.read() == JPEG


async def test_who_has_the_picture_already_is_told_so(
    ana: Linked, friend: Person
) -> None:
    friend.shows_picture(JPEG)
    jid = neonize_jid(friend.jid)
    first = await ana.client.call("get_profile_picture", jid)

    again = await ana.client.call("get_profile_picture", jid, asked(known=first.ID))

    assert (first.ID != "", again.ID) == (True, "")


async def test_who_has_no_picture_or_hides_it_shows_none(
    ana: Linked, friend: Person
) -> None:
    jid = neonize_jid(friend.jid)
    with pytest.raises(CallFailed):
        await ana.client.call("get_profile_picture", jid)
    friend.shows_picture(JPEG)
    friend.hides_picture()
    with pytest.raises(CallFailed):
        await ana.client.call("get_profile_picture", jid)


async def test_a_new_picture_is_told_to_acquaintances(
    ana: Linked, friend: Person
) -> None:
    await friend.says(ana.person, "hello")

    friend.shows_picture(JPEG)
    friend.removes_picture()

    shown = await ana.client.event(
        Neonize.Picture, lambda event: plain(event.JID) == friend.lid
    )
    removed = await ana.client.event(
        Neonize.Picture, lambda event: plain(event.JID) == friend.lid
    )
    assert (shown.Remove, removed.Remove) == (False, True)


async def test_a_group_has_a_picture_too(
    whatsapp: WhatsApp, ana: Linked, carla: Person, family: Group
) -> None:
    family.shows_picture(JPEG, by=carla)

    told = await ana.client.event(
        Neonize.Picture, lambda event: plain(event.JID) == family.jid
    )
    picture = await ana.client.call("get_profile_picture", neonize_jid(family.jid))

    assert plain(told.Author) == carla.lid
    assert whatsapp.media.get(picture.DirectPath) == JPEG
