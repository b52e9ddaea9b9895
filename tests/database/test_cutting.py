"""However the same events are cut into batches, the same is stored."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.adapters.supabase import rows
from connector.domain.addresses import Jid
from connector.domain.changes import Edit
from connector.domain.chats import (
    Aspect,
    Member,
    Profile,
    Role,
    Roster,
    Stale,
)
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, ChatKind, Message, Person, Source, Status
from tests.database.any_incoming import sequences
from tests.database.scene import Connection, Session
from tests.database.whole_contents import stored
from tests.fakes.clock import NOON

LID, PHONE = Jid("1", "lid"), Jid("5521987654321", "s.whatsapp.net")
OTHER_PHONE = Jid("552187654321", "s.whatsapp.net")
BY_LID, BY_PHONE, BOB = (
    Person(lid=LID),
    Person(phone=PHONE),
    Person(lid=LID, phone=PHONE),
)
FAMILY = Chat(jid=Jid("120363", "g.us"), kind=ChatKind.GROUP)


def said(
    name: str | None = None,
    *,
    chat: Chat = FAMILY,
    whatsapp_id: str = "A",
    from_me: bool = False,
    answers: str | None = None,
    source: Source = Source.LIVE,
) -> Message:
    return Message(
        whatsapp_id=whatsapp_id,
        chat=chat,
        from_me=from_me,
        sender=Person(lid=Jid("9", "lid")) if from_me else BOB,
        sender_name=name,
        kind="text",
        body="oi",
        sent_at=NOON,
        source=source,
        status=Status.SENT if from_me else Status.DELIVERED,
        quoted_whatsapp_id=answers,
    )


def edited(body: str | None) -> Edit:
    return Edit(
        chat=FAMILY,
        whatsapp_id="A",
        from_me=False,
        sender=BOB,
        edit_id="1",
        body=body,
        edited_at=NOON,
    )


def listed(name: str) -> Roster:
    chat = Chat(jid=FAMILY.jid, kind=ChatKind.GROUP, name=name)
    return Roster(
        chat=chat, members=(Member(person=BOB, role=Role.MEMBER),), as_of=NOON
    )


def direct(jid: Jid, name: str | None = None) -> Message:
    chat = Chat(jid=jid, kind=ChatKind.DIRECT, name=name)
    return said(chat=chat, whatsapp_id=str(jid), from_me=True)


# What once depended on it, each as short as it gets.
OLD_NAME = [
    said("Bob", whatsapp_id="B"),
    said("Roberto", source=Source.HISTORY),
]
TWO_ADDRESSES = [
    Profile(person=BOB),
    Profile(person=BY_PHONE, push_name="Roberto"),
    Profile(person=BY_LID, push_name="Beto"),
]
TWO_NUMBERS = [
    Profile(person=BOB),
    Profile(person=Person(lid=LID, phone=OTHER_PHONE)),
]
NO_MERE_SPELLING = [
    Profile(person=Person(lid=LID, phone=OTHER_PHONE)),
    Profile(person=BY_LID, spelling=OTHER_PHONE),
]
TWO_SUBJECTS = [listed("Família Silva"), listed("Família")]
NAMED_BY_NUMBER = [direct(PHONE, "Bob"), direct(LID), Profile(person=BOB)]
EMPTY_EDIT = [edited("oi"), edited(None)]
STALE_BEFORE = [
    Stale(jid=FAMILY.jid, aspect=Aspect.GROUP, as_of=NOON),
    listed("Família"),
]
BORROWED_ID = [
    said(whatsapp_id="B", answers="A"),
    said(from_me=True),
    said(),
]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(story=OLD_NAME, cuts=[True])
@example(story=TWO_ADDRESSES, cuts=[True])
@example(story=TWO_NUMBERS, cuts=[True])
@example(story=NO_MERE_SPELLING, cuts=[True])
@example(story=TWO_SUBJECTS, cuts=[True])
@example(story=NAMED_BY_NUMBER, cuts=[True])
@example(story=EMPTY_EDIT, cuts=[True])
@example(story=STALE_BEFORE, cuts=[True])
@example(story=BORROWED_ID, cuts=[True])
@given(story=sequences(), cuts=st.lists(st.booleans(), min_size=1, max_size=8))
async def test_cutting_makes_no_difference(
    leased: Session, service: Connection, story: list[Incoming], cuts: list[bool]
) -> None:
    one_by_one = await stored(service, leased, [rows.batch([item]) for item in story])
    in_pieces = map(rows.batch, cut(story, cuts))

    assert await stored(service, leased, [rows.batch(story)]) == one_by_one
    assert await stored(service, leased, in_pieces) == one_by_one


def cut(story: Sequence[Incoming], cuts: Sequence[bool]) -> list[list[Incoming]]:
    """A new batch begins where `cuts` says so."""
    batches: list[list[Incoming]] = []
    for place, item in enumerate(story):
        if not batches or cuts[place % len(cuts)]:
            batches.append([])
        batches[-1].append(item)
    return batches
