from __future__ import annotations

from datetime import timedelta

import pytest

from devstack.whatsapp import Group, Person, WhatsApp
from tests.emulator.client import CallFailed, Neonize, delivered, neonize_jid, plain
from tests.emulator.linked import Linked, appears_online


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


async def test_every_change_of_a_group_is_an_event(
    whatsapp: WhatsApp, ana: Linked, bob: Person, carla: Person
) -> None:
    group = whatsapp.group("Club", bob, [ana.person, carla])

    async def event() -> Neonize.GroupInfoEvent:
        return await ana.client.event(
            Neonize.GroupInfoEvent, lambda event: plain(event.JID) == group.jid
        )

    group.promotes(carla, by=bob)
    assert plain((await event()).Promote[0]) == carla.lid
    group.describes("Only for members", by=carla)
    described = await event()
    assert described.Topic.Topic == "Only for members"
    assert plain(described.Sender) == carla.lid
    group.describes("")
    assert (await event()).Topic.TopicDeleted
    group.announces_only(by=carla)
    assert (await event()).Announce.IsAnnounce
    group.announces_only(only=False)
    assert not (await event()).Announce.IsAnnounce
    group.locks()
    assert (await event()).Locked.isLocked
    group.sets_timer(timedelta(days=7))
    assert (await event()).Ephemeral.DisappearingTimer == 7 * 24 * 3600
    group.sets_timer(timedelta())
    assert not (await event()).Ephemeral.IsEphemeral
    group.demotes(carla)
    assert plain((await event()).Demote[0]) == carla.lid
    group.leaves(carla)
    left = await event()
    assert plain(left.Leave[0]) == plain(left.Sender) == carla.lid
    group.joins(carla)
    assert ((await event()).JoinReason) == "invite"
    group.ends()
    assert (await event()).Delete.Deleted


async def test_a_group_tells_what_it_is_like_now(
    whatsapp: WhatsApp, ana: Linked, bob: Person, carla: Person
) -> None:
    group = whatsapp.group("Club", bob, [ana.person, carla])
    group.renames("The Club", by=carla)
    group.describes("Only for members", by=carla)
    group.announces_only()
    group.locks()
    group.promotes(carla)
    group.sets_timer(timedelta(days=1))

    info = await ana.client.call("get_group_info", neonize_jid(group.jid))

    admins = {plain(one.JID) for one in info.Participants if one.IsAdmin}
    assert (info.GroupName.Name, info.GroupTopic.Topic) == (
        "The Club",
        "Only for members",
    )
    assert info.GroupAnnounce.IsAnnounce
    assert info.GroupLocked.isLocked
    assert info.GroupEphemeral.DisappearingTimer == 24 * 3600
    assert admins == {bob.lid, carla.lid}


async def test_who_is_added_later_joins_the_whole_group(
    whatsapp: WhatsApp, ana: Linked, bob: Person, carla: Person
) -> None:
    group = whatsapp.group("Hikers", bob, [carla])

    group.adds(ana.person, by=carla)
    joined = await ana.client.event(
        Neonize.JoinedGroup, lambda event: plain(event.GroupInfo.JID) == group.jid
    )
    await bob.says(group, "welcome")
    await ana.client.message("welcome")
    group.removes(ana.person, by=bob)
    removed = await ana.client.event(
        Neonize.GroupInfoEvent, lambda event: plain(event.JID) == group.jid
    )

    assert len(joined.GroupInfo.Participants) == 3
    assert plain(removed.Leave[0]) == ana.person.lid
    with pytest.raises(CallFailed):
        await ana.client.call("get_group_info", neonize_jid(group.jid))
    group.adds(ana.person)
    await ana.client.event(
        Neonize.JoinedGroup, lambda event: plain(event.GroupInfo.JID) == group.jid
    )


async def test_look_ups_are_counted_and_may_be_refused(
    whatsapp: WhatsApp, ana: Linked, bob: Person
) -> None:
    group = whatsapp.group("Busy", bob, [ana.person])
    whatsapp.refuse_look_ups(429, times=1, subject="group")

    with pytest.raises(CallFailed, match=r"429|rate"):
        await ana.client.call("get_group_info", neonize_jid(group.jid))
    await ana.client.call("get_group_info", neonize_jid(group.jid))

    asked = [one for one in whatsapp.look_ups.of("group") if group.jid in one.about]
    assert [one.refused for one in asked] == [429, None]
    assert group.asked_about == 1


async def test_typing_in_a_group_names_who_types(
    ana: Linked, carla: Person, family: Group
) -> None:
    await appears_online(ana)

    await carla.records(family)

    typing = await ana.client.event(
        Neonize.ChatPresence, lambda event: event.MessageSource.IsGroup
    )
    assert plain(typing.MessageSource.Sender) == carla.lid
    assert typing.Media == Neonize.ChatPresence.AUDIO


async def test_of_some_members_only_the_lid_is_known(
    whatsapp: WhatsApp, ana: Linked, bob: Person, friend: Person
) -> None:
    friend.hides_number = True
    group = whatsapp.group("Neighbours", bob, [ana.person, friend])

    sent = await friend.says(group, "guess who")

    source = (await ana.client.arrival(sent)).Info.MessageSource
    assert (plain(source.Sender), source.SenderAlt.User) == (friend.lid, "")
    info = await ana.client.call("get_group_info", neonize_jid(group.jid))
    numbers = {plain(one.LID): one.PhoneNumber.User for one in info.Participants}
    assert (numbers[friend.lid], numbers[bob.lid]) == ("", bob.number)


async def test_who_may_not_speak_in_a_group_any_more_is_refused(
    ana: Linked, bob: Person, whatsapp: WhatsApp
) -> None:
    """The library knows the members from before, and asks the server to take it."""
    left, closed, over = (
        whatsapp.group(name, owner=bob, members=[ana.person])
        for name in ("Left", "Closed", "Over")
    )
    for group in (left, closed, over):
        await ana.client.send(group.jid, "hello")
        await bob.hears()
    left.removes(ana.person)
    closed.announces_only()
    over.ends()

    for group, code in ((left, 403), (closed, 403), (over, 404)):
        with pytest.raises(CallFailed, match=f"server returned error {code}"):
            await ana.client.send(group.jid, "does anybody hear me?")

    assert "does anybody hear me?" not in [each.text for each in bob.heard]
