"""What is known of chats and people besides what they say: names, members, settings."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.addresses import Jid
from connector.domain.messages import Chat, Json, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a person is called: by themselves, by the phone's owner, by WhatsApp.

    None: nothing is said about it. An empty saved name: the contact was removed.
    """

    person: Person
    push_name: str | None = None
    saved_name: str | None = None
    business_name: str | None = None
    on_whatsapp: bool | None = None
    # Another way to write their number, which WhatsApp takes for theirs (Brazil's ninth
    # digit): it leads to them and is never shown.
    spelling: Jid | None = None


class ChatColumn(enum.StrEnum):
    """Columns of `wa_chats` that a ChatUpdate may set, and their values' types."""

    NAME = "name"  # str
    DESCRIPTION = "description"  # str | None
    ANNOUNCEMENTS_ONLY = "announcements_only"  # bool
    DISAPPEARING_SECONDS = "disappearing_seconds"  # int | None
    ARCHIVED = "archived"  # bool
    PINNED = "pinned"  # bool
    MUTED_UNTIL = "muted_until"  # ISO 8601 | "infinity" | None
    UNREAD_COUNT = "unread_count"  # int, at the time of linking
    LEFT = "left"  # bool: our number is no longer in the group


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatUpdate:
    """News about a chat; only what is given changes, and nothing newer is undone."""

    chat: Chat
    as_of: datetime
    columns: Mapping[ChatColumn, Json] = field(default_factory=dict)
    from_history: bool = False  # fills what is unknown; never overwrites


class Role(enum.StrEnum):
    """Stored verbatim in `wa_group_members.role`."""

    MEMBER = "member"
    ADMIN = "admin"
    SUPERADMIN = "superadmin"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChange:
    """Somebody joined, left, or got another role in a group."""

    chat: Chat
    person: Person
    role: Role | None  # None: no longer in the group
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    person: Person
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody who is in a group: whoever is not listed is not in it."""

    chat: Chat
    members: tuple[Member, ...]
    as_of: datetime


class Aspect(enum.StrEnum):
    GROUP = "group"  # name, description, members
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Something about a person or group changed that has to be asked for."""

    jid: Jid
    aspect: Aspect
    as_of: datetime
