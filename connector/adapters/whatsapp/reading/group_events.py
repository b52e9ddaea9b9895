"""What happens to a group: who comes and goes, what it is called, what it allows.

Every event also marks the group stale: neonize leaves things out, such as the phone
numbers of those who joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, LONGEST_NAME, clean, moment
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.content.context import LONGEST_LIFE
from connector.adapters.whatsapp.reading.content.said import LONGEST_TEXT
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.reading.system_messages import notice
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
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, Json, Message, Person

MOST_MEMBERS: Final = 10_000  # WhatsApp allows 1,024; communities' announcements more
_SHOWN: Final = 100  # people named in one system message
_SECOND: Final = timedelta(seconds=1)
_ITS_END: Final = timedelta(microseconds=999_999)


@dataclass(slots=True)
class _Group:
    """The group that an event is about, who caused it, and when."""

    chat: Chat
    by: Person | None
    at: datetime
    received_at: datetime
    rules: ReadingRules
    version: str = ""

    @property
    def as_of(self) -> datetime:
        """WhatsApp's times are whole seconds: within one, what came later is newer."""
        return max(self.at, min(self.received_at, self.at + _ITS_END))

    def told(self, event: str, **content: Json) -> Message:
        said = (event, content)
        return notice(
            self.chat, self.by, self.at, said, self.rules, version=self.version
        )

    def update(self, columns: dict[ChatColumn, Json]) -> ChatUpdate:
        return ChatUpdate(chat=self.chat, as_of=self.as_of, columns=columns)

    def stale(self) -> Stale:
        """As of now: WhatsApp's times are whole seconds, a look-up may be younger."""
        return Stale(jid=self.chat.jid, aspect=Aspect.GROUP, as_of=self.received_at)


def read_group_info(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    event = events.GroupInfoEvent.FromString(raw)
    jid = identity.jid_of(event.JID)
    if jid is None or not jid.is_group:
        return
    group = _Group(
        identity.group_chat(jid),
        identity.person(identity.jid_of(event.Sender)),
        moment(event.Timestamp, _SECOND, received_at),
        received_at,
        rules,
    )
    yield from _settings(group, event)
    yield from _membership(group, event)
    if event.HasField("Link"):
        yield group.told("linked", to=_linked(event.Link))
    if event.HasField("Unlink"):
        yield group.told("unlinked", to=_linked(event.Unlink))
    yield group.stale()


def _settings(group: _Group, event: Any) -> Iterator[Incoming]:
    columns: dict[ChatColumn, Json] = {}
    if event.HasField("Name"):
        name = clean(event.Name.Name, LONGEST_NAME)
        columns[ChatColumn.NAME] = name
        yield group.told("name", name=name)
    if event.HasField("Topic"):
        description = _description(event.Topic)
        columns[ChatColumn.DESCRIPTION] = description
        yield group.told("description", description=description)
    if event.HasField("Announce"):
        columns[ChatColumn.ANNOUNCEMENTS_ONLY] = event.Announce.IsAnnounce
        yield group.told("announcements_only", on=event.Announce.IsAnnounce)
    if event.HasField("Ephemeral"):
        lives = _disappearing(event.Ephemeral)
        columns[ChatColumn.DISAPPEARING_SECONDS] = lives
        yield group.told("disappearing", seconds=lives)
    if event.HasField("Locked"):
        yield group.told("locked", on=event.Locked.isLocked)
    if event.HasField("NewInviteLink"):
        yield group.told("invite_link")
    if event.Delete.Deleted:
        columns[ChatColumn.LEFT] = True
        yield group.told("deleted")
    if columns:
        yield group.update(columns)


def _membership(group: _Group, event: Any) -> Iterator[Incoming]:
    for addresses, name, role in (
        (event.Join, "joined", Role.MEMBER),
        (event.Leave, "left", None),
        (event.Promote, "promoted", Role.ADMIN),
        (event.Demote, "demoted", Role.MEMBER),
    ):
        who = _people(addresses)
        if not who:
            continue
        yield group.told(_worded(name, who, group.by), who=_shown(who))
        for person in who:
            yield MemberChange(
                chat=group.chat, person=person, role=role, as_of=group.as_of
            )
        if name in {"joined", "left"} and any(
            identity.is_same(one, group.rules.own) for one in who
        ):
            yield group.update({ChatColumn.LEFT: name == "left"})


def _worded(name: str, who: Sequence[Person], by: Person | None) -> str:
    """Whether they came and went themselves, or somebody did it to them."""
    if by is None or any(identity.is_same(one, by) for one in who):
        return name
    return {"joined": "added", "left": "removed"}.get(name, name)


def _people(addresses: Iterable[Any]) -> list[Person]:
    found = (
        identity.person(identity.jid_of(one)) for one in list(addresses)[:MOST_MEMBERS]
    )
    return [person for person in found if person is not None]


def _shown(who: Sequence[Person]) -> list[Json]:
    return [str(person.jid) for person in who[:_SHOWN]]


def _description(topic: Any) -> str | None:
    return (
        None if topic.TopicDeleted else clean(topic.Topic, LONGEST_TEXT // 16) or None
    )


def _disappearing(ephemeral: Any) -> int | None:
    seconds: int = ephemeral.DisappearingTimer
    return seconds if ephemeral.IsEphemeral and 0 < seconds <= LONGEST_LIFE else None


def _linked(change: Any) -> Json:
    return clean(change.Group.GroupName.Name, LONGEST_NAME) or None


def read_joined_group(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    """We are in a group from now on: made it, were added, or followed a link."""
    event = events.JoinedGroup.FromString(raw)
    info = event.GroupInfo
    jid = identity.jid_of(info.JID)
    if jid is None or not jid.is_group:
        return
    group = _Group(
        identity.group_chat(jid),
        identity.person(identity.jid_of(event.Sender), identity.jid_of(event.SenderPN)),
        received_at,
        received_at,
        rules,
        # The event has no time: another joining has another list of members.
        version=clean(info.ParticipantVersionID, LONGEST_ID) or "1",
    )
    yield group.update(
        {
            ChatColumn.NAME: clean(info.GroupName.Name, LONGEST_NAME),
            ChatColumn.DESCRIPTION: _description(info.GroupTopic),
            ChatColumn.ANNOUNCEMENTS_ONLY: info.GroupAnnounce.IsAnnounce,
            ChatColumn.DISAPPEARING_SECONDS: _disappearing(info.GroupEphemeral),
            ChatColumn.LEFT: False,
        }
    )
    members = tuple(_members(info.Participants))
    if members and len(info.Participants) <= MOST_MEMBERS:
        yield Roster(chat=group.chat, members=members, as_of=received_at)
    yield group.told("created" if event.CreateKey else "joined")
    yield group.stale()


def _members(participants: Iterable[Any]) -> Iterator[Member]:
    for one in list(participants)[:MOST_MEMBERS]:
        person = identity.person(
            identity.jid_of(one.JID),
            identity.jid_of(one.LID),
            identity.jid_of(one.PhoneNumber),
        )
        if person is not None:
            role = Role.ADMIN if one.IsAdmin else Role.MEMBER
            yield Member(
                person=person, role=Role.SUPERADMIN if one.IsSuperAdmin else role
            )


def read_picture(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    """Somebody's or some group's picture changed; which it is now has to be asked."""
    event = events.Picture.FromString(raw)
    jid = identity.jid_of(event.JID)
    if jid is None:
        return
    at = moment(event.Timestamp, _SECOND, received_at)
    if jid.is_group:
        by = identity.person(identity.jid_of(event.Author))
        group = _Group(identity.group_chat(jid), by, at, received_at, rules)
        yield group.told("picture", removed=True if event.Remove else None)
    yield Stale(jid=jid, aspect=Aspect.PICTURE, as_of=received_at)
