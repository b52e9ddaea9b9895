from __future__ import annotations

import pytest

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import CallFailed, neonize_jid, plain
from tests.emulator.linked import Linked


async def test_a_client_learns_who_is_on_whatsapp(ana: Linked, bob: Person) -> None:
    known, unknown = await ana.client.call(
        "is_on_whatsapp", f"+{bob.number}", "+5571900000002"
    )

    assert (known.IsIn, plain(known.JID).user in (bob.number, bob.lid_user)) == (
        True,
        True,
    )
    assert not unknown.IsIn


async def test_a_picture_has_an_address_on_the_media_host(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    bob.shows_picture(b"\xff\xd8 a jpeg")

    picture = await ana.client.call("get_profile_picture", neonize_jid(bob.jid))

    assert picture.URL.startswith("https://pps.whatsapp.net/")
    assert whatsapp.media.get(picture.DirectPath) == b"\xff\xd8 a jpeg"


async def test_who_has_no_picture_shows_none(whatsapp: WhatsApp, ana: Linked) -> None:
    shy = whatsapp.person("5571911110000", "Shy")

    with pytest.raises(CallFailed):
        await ana.client.call("get_profile_picture", neonize_jid(shy.jid))


async def test_a_message_teaches_the_name_and_both_addresses(
    ana: Linked, bob: Person
) -> None:
    await bob.says(ana.person, "it is me, Bob")
    await ana.client.message("it is me, Bob")

    contact = await ana.client.call("contact.get_contact", neonize_jid(bob.lid))
    lid = await ana.client.call("get_lid_from_pn", neonize_jid(bob.jid))

    assert contact.PushName == "Bob"
    assert plain(lid) == bob.lid


async def test_a_client_knows_its_groups_and_their_members(
    ana: Linked, family: Group
) -> None:
    info = await ana.client.call("get_group_info", neonize_jid(family.jid))
    joined = await ana.client.call("get_joined_groups")

    members = {plain(participant.JID) for participant in info.Participants}
    assert info.GroupName.Name == "Família"
    assert members == {member.lid for member in family.members}
    assert family.jid in [plain(group.JID) for group in joined]
