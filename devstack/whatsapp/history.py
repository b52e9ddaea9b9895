"""What a phone remembers from before a device was linked, as WhatsApp sends it.

INITIAL_BOOTSTRAP travels inside a peer message and has each chat's newest message;
RECENT follows as encrypted files, some chats at a time, with a rising progress.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import new_message_id, text_message
from devstack.whatsapp.wire.media import EncryptedMedia
from devstack.whatsapp.wire.protobufs import E2E, Common, History, Web

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Sync = History.HistorySync


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One old message. In a group `sender` says whose it is, unless it is one's own."""

    text: str
    age: timedelta = timedelta(days=1)
    from_me: bool = False
    sender: Person | None = None
    whatsapp_id: str = field(default_factory=new_message_id)
    message: E2E.Message | None = None  # instead of a text

    def protobuf(self, chat: Person | Group) -> Web.WebMessageInfo:
        remote = chat.jid if isinstance(chat, Group) else chat.lid
        at = datetime.now(UTC) - self.age
        sender = self.sender.lid if self.sender and not self.from_me else None
        return Web.WebMessageInfo(
            key=Common.MessageKey(
                remoteJID=str(remote),
                fromMe=self.from_me,
                ID=self.whatsapp_id,
                participant=str(sender) if sender else None,
            ),
            message=self.message or text_message(self.text),
            messageTimestamp=int(at.timestamp()),
            pushName=self.sender.name if self.sender else None,
            participant=str(sender) if sender else None,
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat with its old messages, in any order."""

    chat: Person | Group
    messages: Sequence[Remembered]
    unread: int = 0

    def protobuf(self, *, newest_only: bool = False) -> History.Conversation:
        newest_first = sorted(self.messages, key=lambda message: message.age)
        chosen = newest_first[:1] if newest_only else newest_first
        conversation = History.Conversation(
            ID=str(self.chat.jid if isinstance(self.chat, Group) else self.chat.lid),
            name=self.chat.subject if isinstance(self.chat, Group) else self.chat.name,
            unreadCount=self.unread,
            messages=[
                History.HistorySyncMsg(message=message.protobuf(self.chat))
                for message in chosen
            ],
        )
        if not isinstance(self.chat, Group):
            conversation.pnJID, conversation.lidJID = _jids(self.chat)
        if newest_first:
            newest = conversation.messages[0].message.messageTimestamp
            conversation.conversationTimestamp = newest
        return conversation


def bootstrap(conversations: Iterable[Conversation]) -> Sync:
    chosen = list(conversations)
    return Sync(
        syncType=Sync.INITIAL_BOOTSTRAP,
        chunkOrder=1,
        progress=100,
        conversations=[one.protobuf(newest_only=True) for one in chosen],
        phoneNumberToLidMappings=_mappings(chosen),
    )


def push_names(people: Iterable[Person]) -> Sync:
    names = [History.Pushname(ID=str(p.jid), pushname=p.name) for p in people]
    return Sync(syncType=Sync.PUSH_NAME, chunkOrder=1, progress=100, pushnames=names)


def initial_status() -> Sync:
    return Sync(syncType=Sync.INITIAL_STATUS_V3, chunkOrder=1, progress=100)


def recent(conversations: Sequence[Conversation], per_chunk: int) -> list[Sync]:
    """Chunks in order; at least one, as a phone without chats says so too."""
    starts = range(0, max(len(conversations), 1), per_chunk)
    chunks = [conversations[start : start + per_chunk] for start in starts]
    return [
        Sync(
            syncType=Sync.RECENT,
            chunkOrder=order,
            progress=100 * order // len(chunks),
            conversations=[one.protobuf() for one in chunk],
            phoneNumberToLidMappings=_mappings(chunk),
        )
        for order, chunk in enumerate(chunks, start=1)
    ]


def notification(sync: Sync) -> E2E.HistorySyncNotification:
    """The peer message's frame, still without the history itself."""
    return E2E.HistorySyncNotification(
        syncType=E2E.HistorySyncType.ValueType(int(sync.syncType)),
        chunkOrder=sync.chunkOrder,
        progress=sync.progress,
    )


def compressed(sync: Sync) -> bytes:
    return zlib.compress(sync.SerializeToString())


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


def _jids(person: Person) -> tuple[str, str]:
    return str(person.jid), str(person.lid)
