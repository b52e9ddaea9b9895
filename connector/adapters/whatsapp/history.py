"""History that the phone sends after linking: old chats, messages, people's names. Pure.

One event holds a chunk of many chats. The chat with the newest message comes first, and
in each the newest message; what is older than the session wants is left out. One chat
is parsed at a time. What makes no sense is handed out as such: it must not cost its
whole chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean, moment
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.history_chats import (
    Chunk,
    Remembered,
    remembered,
    state_of,
)
from connector.adapters.whatsapp.history_chunk import split, wrapped
from connector.adapters.whatsapp.history_messages import read_remembered
from connector.adapters.whatsapp.protobufs import history, web
from connector.adapters.whatsapp.reading import ReadingRules, Rejected
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import HistoryProgress, Incoming
from connector.errors import InvalidAddress

_SECOND: Final = timedelta(seconds=1)
_NO_NAME: Final = "-"  # what phones send for a person without a push name
_WHOLE: Final = 100  # percent
# Field numbers of neonize's HistorySync, and of WhatsApp's own messages.
_DATA: Final = 1
_CONVERSATIONS: Final = history.HistorySync.CONVERSATIONS_FIELD_NUMBER
_MESSAGES: Final = history.Conversation.MESSAGES_FIELD_NUMBER
_Sync: Final = history.HistorySync
_COUNTED: Final = frozenset({_Sync.RECENT, _Sync.FULL, _Sync.ON_DEMAND})
_SENSELESS: Final = (DecodeError, InvalidAddress, ValueError, OverflowError, KeyError)


def read_history(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming | Rejected]:
    """Raises DecodeError, ValueError: before the first item, or not at all."""
    conversations, rest = split(b"".join(split(raw, _DATA).parts), _CONVERSATIONS)
    sync = history.HistorySync.FromString(rest)
    chunk = Chunk(
        received_at=received_at,
        rules=rules,
        aliases=_aliases(sync),
        since=received_at - timedelta(days=rules.history_days),
    )
    for body in _newest_first(conversations):
        yield from _conversation(body, chunk)
    if not rules.ignore_status:
        yield from _statuses(sync.statusV3Messages, chunk)
    yield from _profiles(sync, chunk)
    if sync.syncType in _COUNTED:
        done = sync.progress >= _WHOLE or sync.syncType == _Sync.ON_DEMAND
        yield HistoryProgress(percent=min(sync.progress, _WHOLE), done=done)


def _aliases(sync: Any) -> Mapping[Jid, Jid]:
    aliases: dict[Jid, Jid] = {}
    for mapping in sync.phoneNumberToLidMappings:
        lid = identity.address(mapping.lidJID)
        phone = identity.address(mapping.pnJID)
        if lid is not None and phone is not None:
            aliases[lid], aliases[phone] = phone, lid
    return aliases


def _newest_first(conversations: Sequence[memoryview]) -> list[memoryview]:
    """Each is parsed for its time and let go of: fewer seconds than megabytes."""
    return sorted(conversations, key=_last_activity, reverse=True)


def _last_activity(body: memoryview) -> int:
    try:
        conversation = history.Conversation.FromString(bytes(body))
    except DecodeError:
        return 0
    return max(
        (one.message.messageTimestamp for one in conversation.messages),
        default=_told_activity(conversation),
    )


def _told_activity(conversation: Any) -> int:
    told: int = max(conversation.conversationTimestamp, conversation.lastMsgTimestamp)
    return told


def _conversation(body: memoryview, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    try:
        conversation = history.Conversation.FromString(bytes(body))
        messages = sorted(
            (one.message for one in conversation.messages),
            key=lambda info: info.messageTimestamp,
            reverse=True,
        )
        where = remembered(conversation, chunk)
    except DecodeError:
        yield from _damaged(body, chunk)
        return
    except _SENSELESS as error:
        yield _rejected(bytes(body), error)
        return
    if where is None:
        return
    if _is_recent(conversation, messages, chunk):
        yield from state_of(where, conversation)
    for info in messages:
        yield from _remembered(info, where, conversation)


def _is_recent(conversation: Any, messages: Sequence[Any], chunk: Chunk) -> bool:
    """Chats that have been silent for longer than what is wanted are left out."""
    newest = max(
        _told_activity(conversation), messages[0].messageTimestamp if messages else 0
    )
    if not newest:
        return False
    return moment(newest, _SECOND, chunk.received_at) >= chunk.since


def _remembered(
    info: Any, where: Remembered, conversation: Any
) -> Iterator[Incoming | Rejected]:
    try:
        found = list(read_remembered(info, where))
    except _SENSELESS as error:
        alone = history.Conversation(
            ID=conversation.ID,
            pnJID=conversation.pnJID or None,
            lidJID=conversation.lidJID or None,
            messages=[history.HistorySyncMsg(message=info)],
        )
        yield _rejected(alone.SerializePartialToString(), error)
    else:
        yield from found


def _damaged(body: memoryview, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    """A conversation that does not parse, message by message."""
    try:
        messages, rest = split(body, _MESSAGES)
        history.Conversation.FromString(rest)
    except _SENSELESS as error:
        yield _rejected(bytes(body), error)
        return
    for message in messages:
        alone = rest + wrapped(_MESSAGES, bytes(message))
        try:
            history.Conversation.FromString(alone)
        except DecodeError as error:
            yield _rejected(alone, error)
        else:
            yield from _conversation(memoryview(alone), chunk)


def _rejected(conversation: bytes, error: Exception) -> Rejected:
    raw = wrapped(_DATA, wrapped(_CONVERSATIONS, conversation))
    return Rejected(code=Code.HISTORY_SYNC, raw=raw, reason=type(error).__name__)


def _statuses(
    posts: Sequence[web.WebMessageInfo], chunk: Chunk
) -> Iterator[Incoming | Rejected]:
    where = Remembered(
        chat=identity.status_chat(), chunk=chunk, own=chunk.rules.own, other=None
    )
    of = history.Conversation(ID=str(identity.STATUS))
    for post in posts:
        yield from _remembered(post, where, of)


def _profiles(sync: Any, chunk: Chunk) -> Iterator[Profile]:
    for entry in sync.pushnames:
        person = chunk.person(entry.ID)
        name = clean(entry.pushname, LONGEST_NAME)
        if person is not None and name not in {"", _NO_NAME}:
            yield Profile(person=person, push_name=name)
    for contact in sync.inlineContacts:
        known = identity.person(
            identity.address(contact.lidJID), identity.address(contact.pnJID)
        )
        name = clean(contact.fullName or contact.firstName, LONGEST_NAME)
        if known is not None and name:
            yield Profile(person=known, saved_name=name)
