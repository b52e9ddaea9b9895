"""History that the phone sends after linking: old chats, messages, people's names. Pure.

One event holds a chunk of many chats. The chat with the newest message comes first, and
in each the newest message; what is older than the session wants is left out. One chat
is parsed at a time. What makes no sense is handed out as such: it must not cost its
whole chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, clean, moment
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.history_chats import (
    Chunk,
    Remembered,
    remembered,
    state_of,
)
from connector.adapters.whatsapp.history_chunk import split, wrapped
from connector.adapters.whatsapp.history_messages import read_remembered
from connector.adapters.whatsapp.history_people import aliases_in, profiles_in
from connector.adapters.whatsapp.protobufs import history
from connector.adapters.whatsapp.reading import (
    HINDRANCES,
    SENSELESS,
    ReadingRules,
    Rejected,
)
from connector.domain.incoming import HistoryProgress, Incoming

_SECOND: Final = timedelta(seconds=1)
_WHOLE: Final = 100  # percent
# Field numbers of neonize's HistorySync, and of WhatsApp's own messages.
_DATA: Final = 1
_STATUSES: Final = history.HistorySync.STATUSV3MESSAGES_FIELD_NUMBER
_CONVERSATIONS: Final = history.HistorySync.CONVERSATIONS_FIELD_NUMBER
_MESSAGES: Final = history.Conversation.MESSAGES_FIELD_NUMBER
_MESSAGE: Final = history.HistorySyncMsg.MESSAGE_FIELD_NUMBER
_Sync: Final = history.HistorySync
_COUNTED: Final = frozenset({_Sync.RECENT, _Sync.FULL, _Sync.ON_DEMAND})


def read_history(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming | Rejected]:
    """Raises DecodeError, ValueError: before the first item, or not at all."""
    conversations, rest = split(b"".join(split(raw, _DATA).parts), _CONVERSATIONS)
    sync = history.HistorySync.FromString(rest)
    chunk = Chunk(
        received_at=received_at,
        rules=rules,
        aliases=aliases_in(sync),
        since=received_at - timedelta(days=rules.history_days),
    )
    for body in _newest_first(conversations):
        yield from _conversation(body, chunk)
    if not rules.ignore_status:
        yield from _statuses(sync, rest, chunk)
    yield from profiles_in(sync, chunk)
    if sync.syncType in _COUNTED:
        done = sync.progress >= _WHOLE or sync.syncType == _Sync.ON_DEMAND
        yield HistoryProgress(percent=min(sync.progress, _WHOLE), done=done)


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


@dataclass(frozen=True, slots=True)
class _Wire:
    """Messages of one chat as they came, for those that cannot be read."""

    chat: bytes  # a Conversation that says only whose it is
    messages: Callable[[], Sequence[memoryview]]  # HistorySyncMsgs

    def alone(self, index: int) -> bytes:
        return self.chat + wrapped(_MESSAGES, bytes(self.messages()[index]))


def _conversation(body: memoryview, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    try:
        conversation = history.Conversation.FromString(bytes(body))
        messages = [one.message for one in conversation.messages]
        where = remembered(conversation, chunk)
        known = where is not None and _is_recent(conversation, messages, chunk)
        state = list(state_of(where, conversation)) if where and known else []
    except DecodeError:
        yield from _damaged(body, chunk)
        return
    except HINDRANCES:
        raise
    except Exception as error:  # noqa: BLE001 - it must not cost the whole chunk
        yield _rejected(bytes(body), error)
        return
    if where is None:
        return
    yield from state
    wire = _Wire(_whose(conversation), cache(lambda: split(body, _MESSAGES).parts))
    yield from _remembered(messages, where, wire)


def _whose(conversation: Any) -> bytes:
    return history.Conversation(
        ID=clean(conversation.ID, LONGEST_ID),
        pnJID=clean(conversation.pnJID, LONGEST_ID) or None,
        lidJID=clean(conversation.lidJID, LONGEST_ID) or None,
    ).SerializeToString()


def _is_recent(conversation: Any, messages: Sequence[Any], chunk: Chunk) -> bool:
    """Chats that have been silent for longer than what is wanted are left out."""
    newest = max(
        _told_activity(conversation), *(info.messageTimestamp for info in messages), 0
    )
    if not newest:
        return False
    return moment(newest, _SECOND, chunk.received_at) >= chunk.since


def _remembered(
    messages: Sequence[Any], where: Remembered, wire: _Wire
) -> Iterator[Incoming | Rejected]:
    """Newest first; what makes no sense is handed out as it came."""
    newest_first = sorted(
        range(len(messages)),
        key=lambda index: messages[index].messageTimestamp,
        reverse=True,
    )
    for index in newest_first:
        try:
            found = list(read_remembered(messages[index], where))
        except HINDRANCES:
            raise
        except Exception as error:  # noqa: BLE001 - it must not cost the whole chunk
            yield _rejected(wire.alone(index), error)
        else:
            yield from found


def _damaged(body: memoryview, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    """A conversation that does not parse, message by message."""
    try:
        messages, rest = split(body, _MESSAGES)
        history.Conversation.FromString(rest)
    except SENSELESS as error:
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


def _statuses(sync: Any, body: bytes, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    where = Remembered(
        chat=identity.status_chat(), chunk=chunk, own=chunk.rules.own, other=None
    )
    chat = history.Conversation(ID=str(identity.STATUS)).SerializeToString()

    @cache
    def messages() -> Sequence[memoryview]:
        posts = split(body, _STATUSES).parts
        return [memoryview(wrapped(_MESSAGE, bytes(post))) for post in posts]

    yield from _remembered(sync.statusV3Messages, where, _Wire(chat, messages))
