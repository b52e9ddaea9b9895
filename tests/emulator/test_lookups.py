from __future__ import annotations

from devstack.whatsapp import Group, Person, WhatsApp
from devstack.whatsapp.wire.nodes import Jid
from tests.emulator.client import neonize_jid, plain
from tests.emulator.eventually import eventually
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


async def test_a_number_may_be_written_in_several_ways(
    whatsapp: WhatsApp, ana: Linked
) -> None:
    gil = whatsapp.person("5511987654321", "Gil", also_written=("551187654321",))

    [known] = await ana.client.call("is_on_whatsapp", "+551187654321")
    await ana.client.send(Jid("551187654321"), "without the nine")

    assert (known.IsIn, plain(known.JID)) == (True, gil.lid)
    assert (await gil.hears()).text == "without the nine"


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


async def test_a_business_has_a_name_of_its_own(ana: Linked, friend: Person) -> None:
    friend.business_name = "Padaria do Bob"

    sent = await friend.says(ana.person, "we open at six")
    event = await ana.client.arrival(sent)
    [found] = await ana.client.call("is_on_whatsapp", f"+{friend.number}")

    name = event.Info.VerifiedName.Details.verifiedName
    assert name == found.VerifiedName.Details.verifiedName == "Padaria do Bob"
    await eventually(
        lambda: ana.client.call("contact.get_contact", neonize_jid(friend.lid)),
        lambda contact: contact.BusinessName == "Padaria do Bob",
    )
