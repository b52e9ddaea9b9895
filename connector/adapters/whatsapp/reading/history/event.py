"""History that the phone sends after linking: old chats, messages, people's names. Pure.

One event holds a chunk of many chats. The chat with the newest message comes first, and
in each the newest message; what is older than the session wants is left out. One message
is parsed at a time. What makes no sense is handed out as such: it must not cost its
whole chunk.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_ID, clean, moment
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import history
from connector.adapters.whatsapp.reading.history.chats import (
    Chunk,
    Remembered,
    remembered,
    state_of,
)
from connector.adapters.whatsapp.reading.history.chunk import split, wrapped
from connector.adapters.whatsapp.reading.history.messages import read_remembered
from connector.adapters.whatsapp.reading.history.people import aliases_in, profiles_in
from connector.adapters.whatsapp.reading.rules import (
    HINDRANCES,
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
    statuses, rest = split(rest, _STATUSES)
    sync = history.HistorySync.FromString(rest)
    chunk = Chunk(
        received_at=received_at,
        rules=rules,
        aliases=aliases_in(sync),
        since=received_at - timedelta(days=rules.history_days),
    )
    packed = sorted(map(_packed, conversations), key=_newest, reverse=True)
    for conversation in packed:
        yield from _conversation(conversation, chunk)
    if not rules.ignore_status:
        yield from _posts(statuses, chunk)
    yield from profiles_in(sync, chunk)
    if sync.syncType in _COUNTED:
        done = sync.progress >= _WHOLE or sync.syncType == _Sync.ON_DEMAND
        yield HistoryProgress(percent=min(sync.progress, _WHOLE), done=done)


@dataclass(frozen=True, slots=True)
class _Packed:
    """A conversation as it came. Parsed at once, a long one takes twenty times the room."""

    body: memoryview
    times: Sequence[int]  # of its messages


def _packed(body: memoryview) -> _Packed:
    """Each message is parsed for its time and let go of."""
    try:
        parts = split(body, _MESSAGES).parts
    except ValueError:
        parts = []  # it is rejected when its turn comes
    return _Packed(body, array("Q", map(_time, parts)))


def _time(message: memoryview | bytes) -> int:
    try:
        parsed = history.HistorySyncMsg.FromString(bytes(message))
    except DecodeError:
        return 0
    told: int = parsed.message.messageTimestamp
    return told


def _newest(packed: _Packed) -> int:
    return max(packed.times, default=0)


def _conversation(packed: _Packed, chunk: Chunk) -> Iterator[Incoming | Rejected]:
    try:
        messages, rest = split(packed.body, _MESSAGES)
        conversation = history.Conversation.FromString(rest)
        where = remembered(conversation, chunk)
        known = where is not None and _is_recent(conversation, packed, chunk)
        state = list(state_of(where, conversation)) if where and known else []
    except HINDRANCES:
        raise
    except Exception as error:  # noqa: BLE001 - it must not cost the whole chunk
        yield _rejected(bytes(packed.body), error)
        return
    if where is None:
        return
    yield from state
    whose = history.Conversation(
        ID=clean(conversation.ID, LONGEST_ID),
        pnJID=clean(conversation.pnJID, LONGEST_ID) or None,
        lidJID=clean(conversation.lidJID, LONGEST_ID) or None,
    )
    yield from _messages(messages, packed.times, where, whose.SerializeToString())


def _is_recent(conversation: Any, packed: _Packed, chunk: Chunk) -> bool:
    """Chats that have been silent for longer than what is wanted are left out."""
    newest = max(
        conversation.conversationTimestamp,
        conversation.lastMsgTimestamp,
        _newest(packed),
    )
    if not newest:
        return False
    return moment(newest, _SECOND, chunk.received_at) >= chunk.since


def _messages(
    messages: Sequence[memoryview | bytes],
    times: Sequence[int],
    where: Remembered,
    whose: bytes,
) -> Iterator[Incoming | Rejected]:
    """Newest first; what makes no sense is handed out as it came, with whose it is."""
    oldest = where.chunk.since.timestamp()
    for index in sorted(range(len(times)), key=times.__getitem__, reverse=True):
        if 0 < times[index] < oldest:
            continue
        body = bytes(messages[index])
        try:
            info = history.HistorySyncMsg.FromString(body).message
            found = list(read_remembered(info, where))
        except HINDRANCES:
            raise
        except Exception as error:  # noqa: BLE001 - it must not cost the whole chunk
            yield _rejected(whose + wrapped(_MESSAGES, body), error)
        else:
            yield from found


def _posts(posts: Sequence[memoryview], chunk: Chunk) -> Iterator[Incoming | Rejected]:
    """Status updates, which come without a conversation."""
    chat = identity.status_chat()
    where = Remembered(chat=chat, chunk=chunk, own=chunk.rules.own, other=None)
    messages = [wrapped(_MESSAGE, bytes(post)) for post in posts]
    whose = history.Conversation(ID=str(chat.jid)).SerializeToString()
    yield from _messages(messages, [*map(_time, messages)], where, whose)


def _rejected(conversation: bytes, error: Exception) -> Rejected:
    raw = wrapped(_DATA, wrapped(_CONVERSATIONS, conversation))
    return Rejected(code=Code.HISTORY_SYNC, raw=raw, reason=type(error).__name__)
