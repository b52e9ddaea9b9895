"""What WhatsApp answers about groups, pictures and people, hostile or not."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.adapters.whatsapp.answers import pictures, presences
from connector.adapters.whatsapp.answers.group_info import MOST_MEMBERS, group_answer
from connector.adapters.whatsapp.bounds import LONGEST_NAME
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.store import saved_marks
from connector.domain.addresses import Jid
from connector.domain.chats import ChatColumn, Member, Role
from connector.domain.look_ups import PictureAnswer, PictureState
from connector.domain.messages import Person
from connector.domain.presence import Doing, Presence
from connector.errors import LookupRefusal, LookupRefused, WorkerGone
from tests.unit.whatsapp.neonize_events import (
    ANA_LID,
    ANA_PHONE,
    BOB_LID,
    FAMILY,
    NOW,
    jid,
    source,
)

BOB = Jid.parse(BOB_LID)


def participant(**given: Any) -> events.GroupParticipant:
    nobody = jid("")
    addresses = {name: given.pop(name, nobody) for name in ("LID", "PhoneNumber")}
    return events.GroupParticipant(
        **addresses,
        IsAdmin=given.pop("admin", False),
        IsSuperAdmin=given.pop("superadmin", False),
        DisplayName="",
        Error=0,
        **given,
    )


def group(*participants: events.GroupParticipant, **given: Any) -> bytes:
    nobody = jid("")
    info = events.GroupInfo(
        JID=jid(given.get("jid", FAMILY)),
        OwnerJID=nobody,
        OwnerPN=nobody,
        GroupName=events.GroupName(
            Name=given.get("name", "Família"), NameSetAt=0, NameSetBy=nobody
        ),
        GroupTopic=events.GroupTopic(
            Topic=given.get("topic", ""),
            TopicID="",
            TopicSetAt=0,
            TopicSetBy=nobody,
            TopicDeleted=False,
        ),
        GroupEphemeral=events.GroupEphemeral(
            IsEphemeral=given.get("timer", 0) > 0,
            DisappearingTimer=given.get("timer", 0),
        ),
        Participants=participants,
    )
    return info.SerializePartialToString()


def test_a_group_says_who_is_in_it_as_what() -> None:
    raw = group(
        participant(JID=jid(ANA_LID), PhoneNumber=jid(ANA_PHONE), superadmin=True),
        participant(JID=jid(BOB_LID), admin=True),
        participant(JID=jid("5531976543210@s.whatsapp.net")),
    )

    answer = group_answer(raw, NOW)

    ana = Person(lid=Jid.parse(ANA_LID), phone=Jid.parse(ANA_PHONE))
    carla = Person(phone=Jid.parse("5531976543210@s.whatsapp.net"))
    assert answer.roster.members == (
        Member(person=ana, role=Role.SUPERADMIN),
        Member(person=Person(lid=BOB), role=Role.ADMIN),
        Member(person=carla, role=Role.MEMBER),
    )


def test_a_group_says_its_settings() -> None:
    answer = group_answer(group(topic="aos domingos", timer=86_400), NOW)

    assert answer.update.columns == {
        ChatColumn.NAME: "Família",
        ChatColumn.DESCRIPTION: "aos domingos",
        ChatColumn.ANNOUNCEMENTS_ONLY: False,
        ChatColumn.DISAPPEARING_SECONDS: 86_400,
        ChatColumn.LEFT: False,
    }


def test_a_groups_answer_is_bounded() -> None:
    crowd = [participant(JID=jid(f"{n}@lid")) for n in range(1, MOST_MEMBERS + 10)]

    answer = group_answer(group(*crowd, name="\0" + "n" * 10_000), NOW)

    assert len(answer.roster.members) == MOST_MEMBERS
    name = answer.update.columns[ChatColumn.NAME]
    assert isinstance(name, str)
    assert len(name) < LONGEST_NAME
    assert "\0" not in name


@pytest.mark.parametrize("raw", [b"", b"\xff", group(jid=BOB_LID)])
def test_what_is_no_group_is_no_answer(raw: bytes) -> None:
    with pytest.raises(LookupRefused):
        group_answer(raw, NOW)


@given(st.binary(max_size=200))
def test_no_answer_about_a_group_does_harm(raw: bytes) -> None:
    with contextlib.suppress(LookupRefused):
        group_answer(raw, NOW)


def test_a_known_picture_is_unchanged() -> None:
    header = {"picture_id": "7", "url": "https://pps.whatsapp.net/7"}

    assert pictures.answer(header, "7").state is PictureState.UNCHANGED
    assert pictures.answer(header, "6") == PictureAnswer(
        state=PictureState.SHOWN, picture_id="7", url="https://pps.whatsapp.net/7"
    )


def test_only_some_refusals_of_a_picture_are_answers() -> None:
    states = {
        LookupRefusal.NOT_FOUND: PictureState.NONE,
        LookupRefusal.FORBIDDEN: PictureState.HIDDEN,
    }
    for reason, state in states.items():
        assert pictures.answer_of_refusal(LookupRefused(reason)).state is state
    with pytest.raises(LookupRefused):
        pictures.answer_of_refusal(LookupRefused(LookupRefusal.RATE_LIMITED))


# --- presence -----------------------------------------------------------------------


def typing(
    where: Any = None, *, composing: bool = True, audio: bool = False
) -> Presence | None:
    event = events.ChatPresence(
        MessageSource=source() if where is None else where,
        State=events.ChatPresence.COMPOSING if composing else 2,  # type: ignore[arg-type] # PAUSED
        Media=2 if audio else 1,  # type: ignore[arg-type] # AUDIO, TEXT
    )
    return presences.presence(Code.CHAT_PRESENCE, event.SerializePartialToString())


def test_typing_recording_and_pausing_are_told_apart() -> None:
    assert typing() == Presence(chat=BOB, person=BOB, doing=Doing.COMPOSING)
    recording, paused = typing(audio=True), typing(composing=False)
    assert recording is not None
    assert paused is not None
    assert (recording.doing, paused.doing) == (Doing.RECORDING, Doing.PAUSED)


def test_somebody_types_in_a_group() -> None:
    shown = typing(source(chat=FAMILY, sender=BOB_LID))

    assert shown == Presence(chat=Jid.parse(FAMILY), person=BOB, doing=Doing.COMPOSING)


@pytest.mark.parametrize(
    ("last_seen", "seen"),
    [(1_760_000_000, datetime.fromtimestamp(1_760_000_000, UTC)), (-1, None)],
)
def test_who_goes_was_last_seen_at_some_time(
    last_seen: int, seen: datetime | None
) -> None:
    event = events.Presence(From=jid(BOB_LID), Unavailable=True, LastSeen=last_seen)

    shown = presences.presence(Code.PRESENCE, event.SerializeToString())

    assert shown == Presence(chat=BOB, person=BOB, doing=Doing.OFFLINE, last_seen=seen)


@given(st.sampled_from([Code.CHAT_PRESENCE, Code.PRESENCE]), st.binary(max_size=100))
def test_no_presence_does_harm(code: Code, raw: bytes) -> None:
    presences.presence(code, raw)


async def test_a_flood_of_presences_leaves_the_newest_of_each() -> None:
    waiting = presences.WaitingPresences()
    people = [Jid(str(n), "lid") for n in range(1, presences.MOST_WAITING * 5)]
    for somebody in people:
        for doing in (Doing.COMPOSING, Doing.PAUSED):
            waiting.put(Presence(chat=somebody, person=somebody, doing=doing))

    taken = await waiting.take()

    assert len(taken) == presences.MOST_WAITING
    assert {shown.doing for shown in taken} == {Doing.PAUSED}
    assert taken[-1].person == people[-1]


async def test_waiting_for_presences_ends_with_the_worker() -> None:
    waiting = presences.WaitingPresences()
    taking = asyncio.create_task(waiting.take())
    waiting.end()

    with pytest.raises(WorkerGone):
        await taking


# --- removed contacts -----------------------------------------------------------------

KEY = bytes.fromhex("9e70c071e45f2c6b75dec3cfe76591756ae366ab7db10e42eaed177bcaa32238")
# As WhatsApp's way of marking gives it for this key; a client and a phone agreed on it.
MARK = bytes.fromhex("1654b269cf0a3f41342ae9268837a52ddffc44d92a6a2f9e854d15fcd0dcdda2")
MARKED, UNMARKED = "5521987654321@s.whatsapp.net", "5531976543210@s.whatsapp.net"


def test_a_contact_without_a_mark_was_removed() -> None:
    found = saved_marks.removed([MARKED, UNMARKED, BOB_LID], [(KEY,)], [(MARK,)])

    assert found == {UNMARKED}


def test_the_last_contact_can_be_removed() -> None:
    assert saved_marks.removed([MARKED], [(KEY,)], []) == {MARKED}


def test_marks_that_are_not_understood_remove_nobody() -> None:
    assert not saved_marks.removed([MARKED, UNMARKED], [(KEY,)], [(b"x" * 32,)])
    assert not saved_marks.removed([MARKED], [], [(MARK,)])
