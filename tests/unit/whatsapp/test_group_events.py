"""What happens to a group becomes its state, a notice in the chat, and a look-up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.incoming import decode
from connector.domain.addresses import Jid
from connector.domain.chats import (
    Aspect,
    ChatColumn,
    ChatUpdate,
    Member,
    MemberChange,
    Role,
    Roster,
    Stale,
)
from connector.domain.messages import Message, Person
from tests.unit.whatsapp import neonize_events as neonize
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    BOB_PHONE,
    FAMILY,
    NOW,
)
from tests.unit.whatsapp.reading_events import (
    ANA,
    BOB,
    BOBS_CHAT,
    FAMILY_CHAT,
    items,
    only,
    rules,
)

CARLA = Person(lid=Jid("333000333000333", "lid"))
STALE = Stale(jid=FAMILY_CHAT.jid, aspect=Aspect.GROUP, as_of=NOW)


def happened(sender: str | None = BOB_LID, **given: Any) -> list[Any]:
    return items(Code.GROUP_INFO, neonize.group_info(sender, **given))


@pytest.mark.parametrize(
    ("given", "columns", "told"),
    [
        (
            {"Name": events.GroupName(Name="Us")},
            {ChatColumn.NAME: "Us"},
            {"event": "name", "name": "Us"},
        ),
        (
            {"Topic": events.GroupTopic(Topic="news")},
            {ChatColumn.DESCRIPTION: "news"},
            {"event": "description", "description": "news"},
        ),
        (
            {"Topic": events.GroupTopic(Topic="", TopicDeleted=True)},
            {ChatColumn.DESCRIPTION: None},
            {"event": "description"},
        ),
        (
            {"Announce": events.GroupAnnounce(IsAnnounce=True)},
            {ChatColumn.ANNOUNCEMENTS_ONLY: True},
            {"event": "announcements_only", "on": True},
        ),
        (
            {"Ephemeral": events.GroupEphemeral(IsEphemeral=True, DisappearingTimer=9)},
            {ChatColumn.DISAPPEARING_SECONDS: 9},
            {"event": "disappearing", "seconds": 9},
        ),
        (
            {"Delete": events.GroupDelete(Deleted=True)},
            {ChatColumn.LEFT: True},
            {"event": "deleted"},
        ),
    ],
    ids=["name", "description", "no description", "announce", "ephemeral", "deleted"],
)
def test_a_setting_is_stored_and_told(
    given: dict[str, Any], columns: dict[ChatColumn, Any], told: dict[str, Any]
) -> None:
    found = happened(**given)

    assert only(ChatUpdate, found) == ChatUpdate(
        chat=FAMILY_CHAT, as_of=NOW, columns=columns
    )
    notice = only(Message, found)
    assert (notice.kind, notice.sender.lid) == ("system", BOB.lid)
    assert notice.content == {"by": BOB_LID, **told}
    assert only(Stale, found) == STALE


@pytest.mark.parametrize(
    ("field", "sender", "event", "role"),
    [
        ("Join", BOB_LID, "added", Role.MEMBER),
        ("Join", str(CARLA.jid), "joined", Role.MEMBER),
        ("Join", None, "joined", Role.MEMBER),
        ("Leave", BOB_LID, "removed", None),
        ("Leave", str(CARLA.jid), "left", None),
        ("Promote", BOB_LID, "promoted", Role.ADMIN),
        ("Demote", BOB_LID, "demoted", Role.MEMBER),
    ],
)
def test_who_comes_and_goes_is_stored_and_told(
    field: str, sender: str | None, event: str, role: Role | None
) -> None:
    found = happened(sender, **{field: [str(CARLA.jid)]})

    assert only(MemberChange, found) == MemberChange(
        chat=FAMILY_CHAT, person=CARLA, role=role, as_of=NOW
    )
    notice = only(Message, found).content
    assert (notice["event"], notice["who"]) == (event, [str(CARLA.jid)])


@pytest.mark.parametrize(
    ("received_after", "newer_by"),
    [(0.0, 0.0), (0.3, 0.3), (7200.0, 0.999999), (-5.0, 0.0)],
)
def test_within_a_second_what_was_heard_later_is_newer(
    received_after: float, newer_by: float
) -> None:
    name = events.GroupName(Name="Us")
    raw = neonize.group_info(BOB_LID, Name=name, Leave=[str(CARLA.jid)])
    received_at = NOW + timedelta(seconds=received_after)

    found = [
        item
        for item in decode(Code.GROUP_INFO, raw, received_at, rules())
        if isinstance(item, MemberChange | ChatUpdate)
    ]

    assert [item.as_of - NOW for item in found] == [timedelta(seconds=newer_by)] * 2


@pytest.mark.parametrize("own", [ANA_LID, ANA_PHONE])
@pytest.mark.parametrize(("field", "left"), [("Leave", True), ("Join", False)])
def test_our_own_leaving_is_the_chats(own: str, field: str, *, left: bool) -> None:
    given: dict[str, Any] = {field: [own]}

    update = only(ChatUpdate, happened(**given))

    assert update.columns == {ChatColumn.LEFT: left}


@pytest.mark.parametrize(
    ("field", "event"), [("Link", "linked"), ("Unlink", "unlinked")]
)
def test_a_group_of_a_community_is_told_so(field: str, event: str) -> None:
    target = events.GroupLinkTarget(GroupName=events.GroupName(Name="Street"))
    given: dict[str, Any] = {field: events.GroupLinkChange(Group=target)}

    notice = only(Message, happened(**given))

    assert notice.content == {"event": event, "by": BOB_LID, "to": "Street"}


def test_hearing_of_it_again_repeats_the_notice() -> None:
    def notice(name: str) -> str:
        found = happened(Name=events.GroupName(Name=name))
        return only(Message, found).whatsapp_id

    assert notice("Us") == notice("Us")
    assert notice("Us") != notice("Them")
    assert notice("Us").startswith("system-")


def test_joining_a_group_tells_all_about_it() -> None:
    raw = neonize.joined_group(
        neonize.participant(ANA_LID, ANA_PHONE),
        neonize.participant(BOB_LID, BOB_PHONE, IsAdmin=True, IsSuperAdmin=True),
    )

    found = items(Code.JOINED_GROUP, raw)

    assert only(ChatUpdate, found).columns == {
        ChatColumn.NAME: "Family",
        ChatColumn.DESCRIPTION: "all of us",
        ChatColumn.ANNOUNCEMENTS_ONLY: True,
        ChatColumn.DISAPPEARING_SECONDS: 86_400,
        ChatColumn.LEFT: False,
    }
    assert only(Roster, found) == Roster(
        chat=FAMILY_CHAT,
        members=(
            Member(person=ANA, role=Role.MEMBER),
            Member(person=BOB, role=Role.SUPERADMIN),
        ),
        as_of=NOW,
    )
    assert only(Message, found).content["event"] == "joined"
    assert only(Stale, found) == STALE


def test_making_a_group_is_told_as_such() -> None:
    found = items(Code.JOINED_GROUP, neonize.joined_group(key="k"))

    assert only(Message, found).content["event"] == "created"


def test_a_new_picture_is_to_be_asked_for() -> None:
    of_bob = items(Code.PICTURE, neonize.picture(BOB_LID))
    of_family = items(Code.PICTURE, neonize.picture(FAMILY, removed=True))

    assert of_bob == [Stale(jid=BOB.jid, aspect=Aspect.PICTURE, as_of=NOW)]
    assert only(Stale, of_family).jid == FAMILY_CHAT.jid
    assert only(Message, of_family).content == {
        "event": "picture",
        "by": BOB_LID,
        "removed": True,
    }


CALLS = rules(ignore_calls=False)


@pytest.mark.parametrize("video", [False, True])
def test_a_call_is_a_message_of_its_chat(*, video: bool) -> None:
    raw = neonize.call_offer(video=video)

    call = only(Message, items(Code.CALL_OFFER, raw, CALLS))

    assert (call.kind, call.chat, call.sender) == ("call", BOBS_CHAT, BOB)
    assert call.content == {"call_id": "CA11", "video": video, "group": False}
    assert items(Code.CALL_OFFER, raw) == []


def test_a_call_in_a_group_is_the_groups() -> None:
    raw = neonize.call_notice()

    call = only(Message, items(Code.CALL_OFFER_NOTICE, raw, CALLS))

    assert call.chat == FAMILY_CHAT
    assert call.content == {"call_id": "CA11", "video": True, "group": True}


@pytest.mark.parametrize("as_text", [False, True])
def test_a_groups_call_is_the_groups_when_only_who_rings_is_named(
    *, as_text: bool
) -> None:
    offer = events.CallOffer.FromString(neonize.call_offer())
    named = {"text": FAMILY} if as_text else {"jid": neonize.jid(FAMILY)}
    offer.data.Attrs.add(name="group-jid", **named)
    raw = offer.SerializePartialToString()

    call = only(Message, items(Code.CALL_OFFER, raw, CALLS))

    assert (call.chat, call.sender) == (FAMILY_CHAT, BOB)
    assert call.content == {"call_id": "CA11", "video": False, "group": True}


def test_our_own_call_from_the_phone_is_not_incoming() -> None:
    raw = neonize.call_offer(caller=ANA_LID)

    assert items(Code.CALL_OFFER, raw, CALLS) == []
