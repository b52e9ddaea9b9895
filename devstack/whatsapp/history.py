"""How WhatsApp sends what a phone remembers.

INITIAL_BOOTSTRAP travels inside a peer message and has each chat's newest message;
RECENT, and FULL for what is older, follow as encrypted files, some chats at a time,
with a rising progress. ON_DEMAND is sent when somebody scrolls up far enough.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from devstack.whatsapp.groups import Group
from devstack.whatsapp.remembering import Conversation, Remembered
from devstack.whatsapp.wire.media import EncryptedMedia
from devstack.whatsapp.wire.protobufs import E2E, History

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person
    from devstack.whatsapp.remembering import Stranger

__all__ = ["Conversation", "Remembered", "Sync"]

Sync = History.HistorySync
Kind: TypeAlias = History.HistorySync.HistorySyncType.ValueType


def bootstrap(
    conversations: Iterable[Conversation], owner: Person | None = None
) -> Sync:
    chosen = list(conversations)
    return Sync(
        syncType=Sync.INITIAL_BOOTSTRAP,
        chunkOrder=1,
        progress=100,
        conversations=[one.protobuf(newest_only=True, owner=owner) for one in chosen],
        phoneNumberToLidMappings=_mappings(chosen),
    )


def push_names(people: Iterable[Person | Stranger]) -> Sync:
    names = [History.Pushname(ID=str(p.jid), pushname=p.name) for p in people]
    return Sync(syncType=Sync.PUSH_NAME, chunkOrder=1, progress=100, pushnames=names)


def initial_status() -> Sync:
    return Sync(syncType=Sync.INITIAL_STATUS_V3, chunkOrder=1, progress=100)


def recent(conversations: Sequence[Conversation], per_chunk: int) -> list[Sync]:
    """Chunks in order; at least one, as a phone without chats says so too."""
    return list(chunks(conversations, per_chunk))


def chunks(
    conversations: Sequence[Conversation],
    per_chunk: int,
    kind: Kind = Sync.RECENT,
    owner: Person | None = None,
) -> Iterator[Sync]:
    """One after the other, each made when it is asked for."""
    count = max(1, -(-len(conversations) // per_chunk))
    waiting = iter(conversations)
    for order in range(1, count + 1):
        chunk = list(itertools.islice(waiting, per_chunk))
        yield Sync(
            syncType=kind,
            chunkOrder=order,
            progress=100 * order // count,
            conversations=[one.protobuf(owner=owner) for one in chunk],
            phoneNumberToLidMappings=_mappings(chunk),
        )


def on_demand(
    conversation: Conversation, *, more: bool = False, owner: Person | None = None
) -> Sync:
    """Older messages of one chat; whether the phone has `more` still."""
    sync = Sync(
        syncType=Sync.ON_DEMAND,
        chunkOrder=1,
        progress=100,
        conversations=[conversation.protobuf(owner=owner)],
        phoneNumberToLidMappings=_mappings([conversation]),
    )
    kinds = History.Conversation
    sync.conversations[0].endOfHistoryTransferType = (
        kinds.COMPLETE_ON_DEMAND_SYNC_BUT_MORE_MSG_REMAIN_ON_PRIMARY
        if more
        else kinds.COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY
    )
    return sync


def notification(sync: Sync) -> E2E.HistorySyncNotification:
    """The peer message's frame, still without the history itself."""
    return E2E.HistorySyncNotification(
        syncType=E2E.HistorySyncType.ValueType(int(sync.syncType)),
        chunkOrder=sync.chunkOrder,
        progress=sync.progress,
    )


def compressed(sync: Sync) -> bytes:
    return zlib.compress(sync.SerializeToString(), 1)


def refer_to(
    notice: E2E.HistorySyncNotification, media: EncryptedMedia, direct_path: str
) -> None:
    """Point to the history on the media host."""
    notice.mediaKey = media.media_key
    notice.directPath = direct_path
    notice.fileSHA256 = media.file_sha256
    notice.fileEncSHA256 = media.file_enc_sha256
    notice.fileLength = media.file_length


def _mappings(
    conversations: Iterable[Conversation],
) -> list[History.PhoneNumberToLIDMapping]:
    people = [one.chat for one in conversations if not isinstance(one.chat, Group)]
    return [
        History.PhoneNumberToLIDMapping(pnJID=str(p.jid), lidJID=str(p.lid))
        for p in people
    ]
