"""Anything that may come in about one person, one group and a handful of messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from connector.domain.addresses import Jid
from connector.domain.changes import Edit, Reaction, Revocation, Vote
from connector.domain.chats import (
    Aspect,
    ChatColumn,
    ChatUpdate,
    Member,
    MemberChange,
    Profile,
    Role,
    Roster,
    Stale,
)
from connector.domain.incoming import HistoryProgress, Incoming
from connector.domain.messages import (
    Attachment,
    Chat,
    ChatKind,
    Message,
    OwnRead,
    Person,
    Receipt,
    Source,
    Status,
)
from tests.fakes.clock import NOON

_BOBS_LID: Final = Jid("1", "lid")
_BOBS_PHONE: Final = Jid("5521987654321", "s.whatsapp.net")
_BOBS_OTHER_PHONE: Final = Jid("552187654321", "s.whatsapp.net")
_EVA: Final = Person(lid=Jid("2", "lid"), phone=Jid("5531912345678", "s.whatsapp.net"))
_US: Final = Person(lid=Jid("9", "lid"))
_FAMILY: Final = Jid("120363", "g.us")

moments = st.integers(0, 4).map(lambda second: NOON + timedelta(seconds=second))
bob = st.sampled_from(
    [
        Person(lid=_BOBS_LID),
        Person(phone=_BOBS_PHONE),
        Person(lid=_BOBS_LID, phone=_BOBS_PHONE),
        Person(lid=_BOBS_LID, phone=_BOBS_OTHER_PHONE),
    ]
)
people = bob | st.just(_EVA)
groups = st.sampled_from([None, "Família", "Família Silva"]).map(
    lambda name: Chat(jid=_FAMILY, kind=ChatKind.GROUP, name=name)
)
directs = st.sampled_from(
    [
        Chat(jid=_BOBS_LID, kind=ChatKind.DIRECT),
        Chat(jid=_BOBS_PHONE, kind=ChatKind.DIRECT, name="Bob"),
        Chat(jid=_BOBS_LID, kind=ChatKind.DIRECT, alias=_BOBS_PHONE, name="Bob"),
    ]
)
chats = groups | directs
ids = st.sampled_from(["A", "B", "P"])
anything = st.sampled_from(["Bob", "Roberto", "Beto"])
words = st.sampled_from([None, "oi", "olá"])
from_me = st.booleans()


@st.composite
def messages(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Message:
    chat = draw(chats)
    ours = draw(from_me)
    kind = draw(st.sampled_from(["text", "image", "poll", "undecryptable", "system"]))
    whatsapp_id = draw(ids)
    source = draw(
        st.sampled_from([Source.PHONE if ours else Source.LIVE, Source.HISTORY])
    )
    return Message(
        whatsapp_id=whatsapp_id,
        chat=chat,
        from_me=ours,
        sender=_US if ours else draw(people if chat.jid.is_group else bob),
        sender_name=draw(st.none() | names),
        kind=kind,
        body=None if kind in {"undecryptable", "system"} else draw(words),
        # Whoever repeats a message repeats when it was sent.
        sent_at=NOON + timedelta(seconds=ord(whatsapp_id) % 3),
        source=source,
        status=draw(st.sampled_from([Status.SENT, Status.READ]))
        if ours
        else Status.DELIVERED,
        content={"options": ["beach", "home"]} if kind == "poll" else {},
        quoted_whatsapp_id=draw(st.none() | ids),
        mentions=draw(st.sampled_from([(), (_BOBS_PHONE,), (_BOBS_LID,)])),
        attachment=draw(files) if kind == "image" else None,
        expires_at=draw(st.none() | moments),
    )


files = st.sampled_from(["a.jpg", "b.jpg"]).map(
    lambda name: Attachment(
        media_type="image",
        direct_path=f"/v/{name}",
        media_key=bytes(32),
        file_sha256=b"\x01" * 32,
        file_enc_sha256=b"\x02" * 32,
        file_name=name,
    )
)
receipts = st.builds(
    Receipt,
    chat=chats,
    whatsapp_ids=st.lists(ids, min_size=1, max_size=2).map(tuple),
    participant=people,
    status=st.sampled_from([Status.DELIVERED, Status.READ, Status.PLAYED]),
    at=moments,
)
edits = st.builds(
    Edit,
    chat=chats,
    whatsapp_id=ids,
    from_me=from_me,
    sender=people,
    edit_id=st.sampled_from(["1", "2"]),
    body=words,
    content=st.sampled_from([{}, {"link_preview": {}}]),
    mentions=st.sampled_from([(), (_BOBS_PHONE,), (_BOBS_LID,)]),
    edited_at=moments,
)
revocations = st.builds(
    Revocation,
    chat=chats,
    whatsapp_id=ids,
    from_me=from_me,
    author=st.none() | people,
    revoked_by=people | st.just(_US),
    by_admin=st.booleans(),
    revoked_at=moments,
)
reactions = st.builds(
    Reaction,
    chat=chats,
    whatsapp_id=ids,
    sender=people,
    from_me=st.just(value=False),
    emoji=st.sampled_from(["", "👍", "🎉"]),
    reacted_at=moments,
)
votes = st.builds(
    Vote,
    chat=groups,
    whatsapp_id=st.just("P"),
    voter=people,
    from_me=st.just(value=False),
    options=st.sampled_from([None, (), (b"\xab" * 32,), (b"\xac" * 32,)]),
    voted_at=moments,
)


def profiles(names: st.SearchStrategy[str]) -> st.SearchStrategy[Profile]:
    of_bob = st.builds(
        Profile,
        person=bob,
        push_name=st.none() | names,
        saved_name=st.none() | names,
        business_name=st.none() | names,
        on_whatsapp=st.none() | st.just(value=True),
        spelling=st.sampled_from([None, None, _BOBS_OTHER_PHONE]),
    )
    of_eva = st.builds(
        Profile,
        person=st.just(_EVA),
        push_name=st.none() | anything,
        saved_name=st.none() | anything | st.just(""),
        on_whatsapp=st.none() | st.booleans(),
    )
    return of_bob | of_eva


chat_updates = st.builds(
    ChatUpdate,
    chat=chats,
    as_of=moments,
    from_history=st.booleans(),
    columns=st.fixed_dictionaries(
        {},
        optional={
            ChatColumn.NAME: anything,
            ChatColumn.DESCRIPTION: words,
            ChatColumn.ANNOUNCEMENTS_ONLY: st.booleans(),
            ChatColumn.DISAPPEARING_SECONDS: st.sampled_from([None, 60, 90]),
            ChatColumn.ARCHIVED: st.booleans(),
            ChatColumn.PINNED: st.booleans(),
            ChatColumn.MUTED_UNTIL: st.sampled_from(
                [None, "infinity", NOON.isoformat()]
            ),
            ChatColumn.UNREAD_COUNT: st.integers(0, 5),
            ChatColumn.LEFT: st.booleans(),
        },
    ),
)
roles = st.sampled_from(list(Role))
member_changes = st.builds(
    MemberChange, chat=groups, person=people, role=st.none() | roles, as_of=moments
)
rosters = st.builds(
    Roster,
    chat=groups,
    members=st.lists(st.builds(Member, person=people, role=roles), max_size=2).map(
        tuple
    ),
    as_of=moments,
)
stales = st.builds(
    Stale,
    jid=st.sampled_from([_FAMILY, _BOBS_LID, _BOBS_PHONE]),
    aspect=st.sampled_from(list(Aspect)),
    as_of=moments,
)
progresses = st.builds(
    HistoryProgress, percent=st.sampled_from([0, 40, 100]), done=st.booleans()
)


def _kinds(names: st.SearchStrategy[str]) -> st.SearchStrategy[Incoming]:
    """`names` are what Bob may be called."""
    return st.one_of(
        messages(names),
        messages(names),
        receipts,
        st.builds(OwnRead, chat=chats, at=moments),
        edits,
        revocations,
        reactions,
        votes,
        profiles(names),
        chat_updates,
        member_changes,
        rosters,
        stales,
        progresses,
    )


_INTRODUCTION: Final = Profile(person=Person(lid=_BOBS_LID, phone=_BOBS_PHONE))


@st.composite
def sequences(draw: st.DrawFn, longest: int = 8) -> list[Incoming]:
    """While nobody knows that two addresses are Bob's, he has the same names under both."""
    if draw(st.booleans()):
        return [_INTRODUCTION, *draw(st.lists(_kinds(anything), max_size=longest))]
    return draw(st.lists(_kinds(st.just("Bob")), min_size=2, max_size=longest))
