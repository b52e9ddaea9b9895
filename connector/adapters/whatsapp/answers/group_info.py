"""A group as neonize describes it, in our words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean
from connector.adapters.whatsapp.identity import group_chat, jid_of, person
from connector.adapters.whatsapp.protobufs import events
from connector.domain.chats import ChatColumn, ChatUpdate, Member, Role, Roster
from connector.domain.look_ups import GroupAnswer
from connector.domain.messages import Chat, Json
from connector.errors import InvalidAddress, LookupRefusal, LookupRefused

LONGEST_DESCRIPTION: Final = 4_096  # characters; WhatsApp's apps allow 2,048
MOST_MEMBERS: Final = 4_096  # WhatsApp allows 1,024; communities are larger
LONGEST_TIMER: Final = 10 * 365 * 86_400


def group_answer(raw: bytes, as_of: datetime) -> GroupAnswer:
    """Read a GroupInfo that was asked for at `as_of`.

    Raises LookupRefused when it describes no group.
    """
    try:
        info = events.GroupInfo.FromString(raw)
        jid = jid_of(info.JID)
    except (DecodeError, InvalidAddress) as error:
        raise LookupRefused(LookupRefusal.FAILED) from error
    if jid is None or not jid.is_group:
        raise LookupRefused(LookupRefusal.FAILED)
    chat = group_chat(jid)
    return GroupAnswer(
        update=_update(info, chat, as_of), roster=_roster(info, chat, as_of)
    )


def _update(info: Any, chat: Chat, as_of: datetime) -> ChatUpdate:
    columns: dict[ChatColumn, Json] = {
        ChatColumn.DESCRIPTION: clean(info.GroupTopic.Topic, LONGEST_DESCRIPTION)
        or None,
        ChatColumn.ANNOUNCEMENTS_ONLY: info.GroupAnnounce.IsAnnounce,
        ChatColumn.DISAPPEARING_SECONDS: _timer(info.GroupEphemeral),
        ChatColumn.LEFT: False,
    }
    if name := clean(info.GroupName.Name, LONGEST_NAME):
        columns[ChatColumn.NAME] = name
    return ChatUpdate(chat=chat, as_of=as_of, columns=columns)


def _timer(ephemeral: Any) -> int | None:
    seconds = min(int(ephemeral.DisappearingTimer), LONGEST_TIMER)
    return seconds if ephemeral.IsEphemeral and seconds else None


def _roster(info: Any, chat: Chat, as_of: datetime) -> Roster:
    members = tuple(_members(info.Participants[:MOST_MEMBERS]))
    return Roster(chat=chat, members=members, as_of=as_of)


def _members(participants: Any) -> Iterator[Member]:
    for one in participants:
        with contextlib.suppress(InvalidAddress):
            who = person(jid_of(one.LID), jid_of(one.JID), jid_of(one.PhoneNumber))
            if who is not None:
                yield Member(person=who, role=_role(one))


def _role(participant: Any) -> Role:
    if participant.IsSuperAdmin:
        return Role.SUPERADMIN
    return Role.ADMIN if participant.IsAdmin else Role.MEMBER
