from __future__ import annotations

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import Neonize, delivered, plain
from tests.emulator.linked import Linked


async def test_what_is_said_in_a_group_is_heard_by_the_client(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    """The second message comes without the sender key that came with the first."""
    for speaker in (bob, carla):
        for text in (f"{speaker.name} once", f"{speaker.name} twice"):
            await speaker.says(family, text)
            source = (await ana.client.message(text)).Info.MessageSource
            assert source.IsGroup
            assert (plain(source.Chat), plain(source.Sender)) == (
                family.jid,
                speaker.lid,
            )


async def test_what_the_client_says_in_a_group_is_heard_by_everyone(
    ana: Linked, bob: Person, carla: Person, family: Group
) -> None:
    for text in ("to the group", "to the group again"):
        sent = await ana.client.send(family.jid, text)
        for member in (bob, carla):
            heard = await member.hears()
            while heard.text != text:
                heard = await member.hears()
            assert heard.chat is family
        await ana.client.event(Neonize.Receipt, delivered(sent.ID))


async def test_members_learn_of_a_new_group_and_its_changes(
    whatsapp: WhatsApp, ana: Linked, bob: Person, carla: Person
) -> None:
    group = whatsapp.group("Work", owner=bob, members=[ana.person])
    joined = await ana.client.event(
        Neonize.JoinedGroup, lambda event: plain(event.GroupInfo.JID) == group.jid
    )

    group.adds(carla)
    added = await ana.client.event(Neonize.GroupInfoEvent, lambda event: event.Join)
    group.renames("Less work")
    renamed = await ana.client.event(
        Neonize.GroupInfoEvent, lambda event: event.HasField("Name")
    )
    group.removes(carla)
    removed = await ana.client.event(Neonize.GroupInfoEvent, lambda event: event.Leave)

    assert joined.GroupInfo.GroupName.Name == "Work"
    assert plain(added.Join[0]) == carla.lid
    assert renamed.Name.Name == "Less work"
    assert plain(removed.Leave[0]) == carla.lid


async def test_a_group_may_still_be_addressed_by_numbers(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    group = whatsapp.group("Old", bob, [ana.person], addressing="pn")

    await bob.says(group, "from an old group")

    source = (await ana.client.message("from an old group")).Info.MessageSource
    assert (plain(source.Chat), plain(source.Sender)) == (group.jid, bob.jid)
