"""A conversation as the phone remembers it: whose it is, how it is set, who is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.protobufs import history
from connector.adapters.whatsapp.reading.content.context import LONGEST_LIFE
from connector.adapters.whatsapp.reading.content.said import LONGEST_TEXT
from connector.adapters.whatsapp.reading.group_events import MOST_MEMBERS
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.reading.whereabouts import is_ignored, shared_chat
from connector.domain.addresses import Jid
from connector.domain.chats import ChatColumn, ChatUpdate, Member, Role, Roster
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, Json, Person

MOST_UNREAD: Final = 100_000
_NO_END: Final = timedelta(days=3_650)  # of muting: longer is for ever
_IN_MILLISECONDS: Final = 10**11  # as seconds, this is the year 5138
_ROLES: Final[Mapping[int, Role]] = {
    history.GroupParticipant.REGULAR: Role.MEMBER,
    history.GroupParticipant.ADMIN: Role.ADMIN,
    history.GroupParticipant.SUPERADMIN: Role.SUPERADMIN,
}


@dataclass(slots=True, kw_only=True)
class Chunk:
    """What reading one chunk of history takes, for all its chats."""

    received_at: datetime
    rules: ReadingRules
    aliases: Mapping[Jid, Jid]
    since: datetime
    people: dict[str, Person | None] = field(default_factory=dict)

    def person(self, text: str | bytes) -> Person | None:
        """Whom an address belongs to, with their other one where the chunk tells it."""
        key = text if isinstance(text, str) else ""
        if key not in self.people:
            jid = identity.address(text)
            alias = None if jid is None else self.aliases.get(jid)
            self.people[key] = identity.person(jid, alias)
        return self.people[key]


@dataclass(slots=True, kw_only=True)
class Remembered:
    """One chat of a chunk."""

    chat: Chat
    chunk: Chunk
    own: Person | None
    other: Person | None  # who sends what is not ours, in a chat of two


def remembered(conversation: Any, chunk: Chunk) -> Remembered | None:
    """None for a chat that is not wanted. Raises InvalidAddress."""
    jid = identity.parse(clean(conversation.ID, LONGEST_NAME))
    name = clean(conversation.name, LONGEST_NAME) or None
    own = chunk.rules.own or identity.person(identity.address(conversation.accountLid))
    if (chat := shared_chat(jid, chunk.rules, name)) is not None:
        itself = jid.server == identity.NEWSLETTER_SERVER
        other = identity.person(jid) if itself else None
        return Remembered(chat=chat, chunk=chunk, own=own, other=other)
    if is_ignored(jid, chunk.rules) or jid.server == identity.BROADCAST_SERVER:
        return None
    other = identity.person(
        jid,
        identity.address(conversation.lidJID),
        identity.address(conversation.pnJID),
        chunk.aliases.get(jid),
    )
    if other is None:
        return None
    chat = identity.direct_chat(other, name)
    return Remembered(chat=chat, chunk=chunk, own=own, other=other)


def state_of(where: Remembered, conversation: Any) -> Iterator[Incoming]:
    """How the chat is set on the phone, and who is in it when it is a group."""
    columns = dict(_columns(conversation, where.chunk.received_at))
    if columns:
        yield ChatUpdate(
            chat=where.chat,
            as_of=where.chunk.received_at,
            columns=columns,
            from_history=True,
        )
    listed = conversation.participant
    if where.chat.jid.is_group and 0 < len(listed) <= MOST_MEMBERS:
        members = tuple(_members(listed, where.chunk))
        yield Roster(chat=where.chat, members=members, as_of=where.chunk.received_at)


def _columns(conversation: Any, now: datetime) -> Iterator[tuple[ChatColumn, Json]]:
    if name := clean(conversation.name, LONGEST_NAME):
        yield ChatColumn.NAME, name
    if description := clean(conversation.description, LONGEST_TEXT // 16):
        yield ChatColumn.DESCRIPTION, description
    if conversation.HasField("unreadCount"):
        yield ChatColumn.UNREAD_COUNT, _unread(conversation)
    if conversation.HasField("archived"):
        yield ChatColumn.ARCHIVED, conversation.archived
    if conversation.HasField("pinned"):
        yield ChatColumn.PINNED, conversation.pinned > 0
    if conversation.HasField("muteEndTime"):
        yield ChatColumn.MUTED_UNTIL, _muted(conversation.muteEndTime, now)
    if conversation.HasField("ephemeralExpiration"):
        seconds = conversation.ephemeralExpiration
        lives = seconds if 0 < seconds <= LONGEST_LIFE else None
        yield ChatColumn.DISAPPEARING_SECONDS, lives


def _unread(conversation: Any) -> int:
    """A chat that was marked as unread has no count, or minus one."""
    told: int = conversation.unreadCount
    if told > MOST_UNREAD:
        return 1
    return max(told, 1) if conversation.markedAsUnread else told


def _muted(until: int, now: datetime) -> str | None:
    seconds = until // 1_000 if _IN_MILLISECONDS < until < 2**62 else until
    remaining = seconds - now.timestamp()
    if remaining <= 0:
        return None
    if remaining > _NO_END.total_seconds():
        return "infinity"
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _members(participants: Any, chunk: Chunk) -> Iterator[Member]:
    for one in participants:
        person = chunk.person(one.userJID)
        if person is not None:
            yield Member(person=person, role=_ROLES.get(one.rank, Role.MEMBER))
