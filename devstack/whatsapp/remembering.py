"""What a phone remembers of its chats: old messages with all that happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from devstack.whatsapp.groups import Group
from devstack.whatsapp.messages import new_message_id, text_message
from devstack.whatsapp.verbs.polling import vote_for
from devstack.whatsapp.wire.nodes import Jid
from devstack.whatsapp.wire.protobufs import E2E, Common, History, Web

if TYPE_CHECKING:
    from devstack.whatsapp.people import Person

Info = Web.WebMessageInfo
RANKS = {
    None: History.GroupParticipant.REGULAR,
    "admin": History.GroupParticipant.ADMIN,
    "superadmin": History.GroupParticipant.SUPERADMIN,
}


class Stranger(NamedTuple):
    """Enough of a person to have old chats with; nobody who can say anything."""

    jid: Jid
    lid: Jid
    name: str


Chat: TypeAlias = "Person | Group | Stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One old message. In a group `sender` says whose it is, unless it is one's own."""

    text: str = ""
    age: timedelta = timedelta(days=1)
    from_me: bool = False
    sender: Person | None = None
    whatsapp_id: str = field(default_factory=new_message_id)
    message: E2E.Message | None = None  # instead of a text
    reactions: Sequence[tuple[Person, str]] = ()
    votes: Sequence[tuple[Person, Sequence[str]]] = ()  # for options, by name
    delivered_to: Sequence[Person] = ()
    read_by: Sequence[Person] = ()
    deleted: bool = False  # for everyone: what it was is gone
    edited: bool = False  # it comes as its last edit, which has an id of its own
    starred: bool = False
    stub: str = ""  # news in the chat, such as "GROUP_PARTICIPANT_ADD"; no message then
    stub_parameters: Sequence[str] = ()

    def protobuf(self, chat: Chat, owner: Person | None = None) -> Info:
        """As the phone of `owner` tells it; `owner` matters to reactions and votes."""
        at = int((datetime.now(UTC) - self.age).timestamp())
        info = Info(
            key=self._key(chat, self.sender, from_me=self.from_me),
            messageTimestamp=at,
            pushName=self.sender.name if self.sender else None,
            starred=self.starred or None,
        )
        info.participant = info.key.participant
        if self.stub or self.deleted:
            info.messageStubType = Info.StubType.Value(self.stub or "REVOKE")
            info.messageStubParameters.extend(self.stub_parameters)
        else:
            message = self.message or text_message(self.text)
            if self.edited:
                info.message.CopyFrom(self._as_edit(message, info))
            else:
                info.message.CopyFrom(message)
            secret = message.messageContextInfo.messageSecret
            if secret:
                info.messageSecret = secret
        if self.reactions or self.votes:
            self._answered(info, chat, owner, at)
        if self.from_me:
            self._ticked(info, at)
        return info

    def _as_edit(self, message: E2E.Message, info: Info) -> E2E.Message:
        edit = E2E.ProtocolMessage(
            type=E2E.ProtocolMessage.MESSAGE_EDIT,
            key=info.key,
            editedMessage=message,
            timestampMS=info.messageTimestamp * 1000,
        )
        info.key.ID = new_message_id()
        inner = E2E.Message(protocolMessage=edit)
        return E2E.Message(editedMessage=E2E.FutureProofMessage(message=inner))

    def _key(
        self, chat: Chat, sender: Person | None, *, from_me: bool
    ) -> Common.MessageKey:
        key = Common.MessageKey(
            remoteJID=str(chat.jid if isinstance(chat, Group) else chat.lid),
            fromMe=from_me,
            ID=self.whatsapp_id,
        )
        if isinstance(chat, Group) and sender is not None and not from_me:
            key.participant = str(sender.lid)
        return key

    def _answered(self, info: Info, chat: Chat, owner: Person | None, at: int) -> None:
        def key(person: Person) -> Common.MessageKey:
            own = person is owner if isinstance(chat, Group) else person is not chat
            return self._key(chat, person, from_me=own)

        for person, emoji in self.reactions:
            info.reactions.add(
                key=key(person), text=emoji, senderTimestampMS=(at + 60) * 1000
            )
        for person, options in self.votes:
            update = info.pollUpdates.add(senderTimestampMS=(at + 60) * 1000)
            update.pollUpdateMessageKey.CopyFrom(key(person))
            update.pollUpdateMessageKey.ID = new_message_id()
            update.vote.CopyFrom(vote_for(options))

    def _ticked(self, info: Info, at: int) -> None:
        info.status = Info.SERVER_ACK
        if self.delivered_to:
            info.status = Info.DELIVERY_ACK
        if self.read_by:
            info.status = Info.READ
        for person in dict.fromkeys([*self.delivered_to, *self.read_by]):
            receipt = info.userReceipt.add(
                userJID=str(person.lid), receiptTimestamp=at + 10
            )
            if person in self.read_by:
                receipt.readTimestamp = at + 30


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat with its old messages, in any order unless they are `newest_first`."""

    chat: Chat
    messages: Sequence[Remembered]
    unread: int = 0
    archived: bool = False
    pinned: bool = False
    muted_until: datetime | None = None
    marked_unread: bool = False
    timer: timedelta = timedelta()
    newest_first: bool = False

    def protobuf(
        self, *, newest_only: bool = False, owner: Person | None = None
    ) -> History.Conversation:
        if newest_only and self.newest_first:
            chosen: Sequence[Remembered] = self.messages[:1]
        else:
            ordered = self._newest_first()
            chosen = ordered[:1] if newest_only else ordered
        conversation = History.Conversation(
            ID=str(self.chat.jid if isinstance(self.chat, Group) else self.chat.lid),
            unreadCount=self.unread,
            messages=[
                History.HistorySyncMsg(message=message.protobuf(self.chat, owner))
                for message in chosen
            ],
        )
        self._describe(conversation)
        if conversation.messages:
            newest = conversation.messages[0].message.messageTimestamp
            conversation.conversationTimestamp = newest
            conversation.lastMsgTimestamp = newest
        return conversation

    def _newest_first(self) -> Sequence[Remembered]:
        if self.newest_first:
            return self.messages
        return sorted(self.messages, key=lambda message: message.age)

    def _describe(self, conversation: History.Conversation) -> None:
        if isinstance(self.chat, Group):
            _describe_group(self.chat, conversation)
        else:
            conversation.name = self.chat.name
            conversation.pnJID = str(self.chat.jid)
            conversation.lidJID = str(self.chat.lid)
        now = int(datetime.now(UTC).timestamp())
        conversation.archived = self.archived
        conversation.markedAsUnread = self.marked_unread
        if self.pinned:
            conversation.pinned = now
        if self.muted_until is not None:
            conversation.muteEndTime = int(self.muted_until.timestamp())
        if self.timer:
            conversation.ephemeralExpiration = int(self.timer.total_seconds())
            conversation.ephemeralSettingTimestamp = now


def _describe_group(group: Group, conversation: History.Conversation) -> None:
    conversation.name = group.subject
    conversation.createdAt = group.created_at
    conversation.createdBy = str(group.address(group.owner))
    if group.description is not None:
        conversation.description = group.description.text
    for member in group.members:
        conversation.participant.add(
            userJID=str(group.address(member)), rank=RANKS[group.rank(member)]
        )
