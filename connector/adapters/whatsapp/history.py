"""History that the phone sends after linking: old messages and people's names. Pure.

One event holds a chunk of many chats. Newest chats come first, and in each the newest
message; what is older than the session wants is left out. A message that makes no
sense is skipped: it must not cost its whole chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import content, identity
from connector.adapters.whatsapp.bounds import (
    LONGEST_ID,
    LONGEST_NAME,
    clean,
    moment,
    whatsapp_id,
)
from connector.adapters.whatsapp.protobufs import events, web
from connector.domain.addresses import Jid
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, Message, Person, Source, Status
from connector.errors import InvalidAddress

_SECOND: Final = timedelta(seconds=1)
_NO_NAME: Final = "-"  # what phones send for a person without a push name
_STATUSES: Final[Mapping[int, Status]] = {
    web.WebMessageInfo.ERROR: Status.FAILED,
    web.WebMessageInfo.PENDING: Status.PENDING,
    web.WebMessageInfo.SERVER_ACK: Status.SENT,
    web.WebMessageInfo.DELIVERY_ACK: Status.DELIVERED,
    web.WebMessageInfo.READ: Status.READ,
    web.WebMessageInfo.PLAYED: Status.PLAYED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRules:
    """How far back to read, from when, and whose number this is."""

    received_at: datetime
    days: int
    own: Person | None

    @property
    def since(self) -> datetime:
        return self.received_at - timedelta(days=self.days)


def decode_history(raw: bytes, rules: HistoryRules) -> Sequence[Incoming]:
    """Raises DecodeError, ValueError."""
    sync = events.HistorySync.FromString(raw).Data
    aliases = _aliases(sync)
    chats = [list(_chat(one, aliases, rules)) for one in sync.conversations]
    for messages in chats:
        messages.sort(key=lambda message: message.sent_at, reverse=True)
    newest_first = sorted(
        filter(None, chats), key=lambda messages: messages[0].sent_at, reverse=True
    )
    found: list[Incoming] = [one for messages in newest_first for one in messages]
    return [*found, *_profiles(sync, aliases)]


def _aliases(sync: Any) -> dict[Jid, Jid]:
    aliases: dict[Jid, Jid] = {}
    for mapping in sync.phoneNumberToLidMappings:
        lid, phone = _address(mapping.lidJID), _address(mapping.pnJID)
        if lid is not None and phone is not None:
            aliases |= {lid: phone, phone: lid}
    return aliases


def _chat(
    conversation: Any, aliases: Mapping[Jid, Jid], rules: HistoryRules
) -> Iterator[Message]:
    jid = _address(conversation.ID)
    if jid is None:
        return
    name = clean(conversation.name, LONGEST_NAME) or None
    if jid.is_group:
        chat, other = identity.group_chat(jid, name), None
    elif jid.server in {identity.BROADCAST_SERVER, identity.NEWSLETTER_SERVER}:
        return
    else:
        other = identity.person(
            jid,
            _address(conversation.lidJID),
            _address(conversation.pnJID),
            aliases.get(jid),
        )
        if other is None:
            return
        chat = identity.direct_chat(other, name)
    own = rules.own or identity.person(_address(conversation.accountLid))
    for one in conversation.messages:
        sender = own if one.message.key.fromMe else other
        if sender is None:
            told = one.message.participant or one.message.key.participant
            author = _address(told)
            alias = None if author is None else aliases.get(author)
            sender = identity.person(author, alias)
        message = _message(one.message, chat, sender, rules)
        if message is not None:
            yield message


def _message(
    info: Any, chat: Chat, sender: Person | None, rules: HistoryRules
) -> Message | None:
    at = moment(info.messageTimestamp, _SECOND, rules.received_at)
    if sender is None or at < rules.since:
        return None
    try:
        said = content.read(info.message)
        name = whatsapp_id(info.key.ID)
    except ValueError:
        return None
    if said is None:
        return None
    from_me = info.key.fromMe
    return Message(
        whatsapp_id=name,
        chat=chat,
        from_me=from_me,
        sender=sender,
        sender_name=clean(info.pushName, LONGEST_NAME) or None,
        kind=said.kind,
        body=said.body,
        content=said.content,
        quoted_whatsapp_id=said.quoted_whatsapp_id,
        mentions=identity.several(said.mentions),
        sent_at=at,
        source=Source.HISTORY,
        status=_status(info),
    )


def _status(info: Any) -> Status:
    if not info.key.fromMe:
        return Status.DELIVERED
    # Phones do not always say; a message that is in the phone's history was sent.
    return _STATUSES[info.status] if info.HasField("status") else Status.SENT


def _profiles(sync: Any, aliases: Mapping[Jid, Jid]) -> Iterator[Profile]:
    for entry in sync.pushnames:
        jid = _address(entry.ID)
        name = clean(entry.pushname, LONGEST_NAME)
        if jid is None or name in {"", _NO_NAME}:
            continue
        person = identity.person(jid, aliases.get(jid))
        if person is not None:
            yield Profile(person=person, push_name=name)


def _address(text: str | bytes) -> Jid | None:
    """An address as a string, or None when it is missing or makes no sense."""
    try:
        return identity.parse(clean(text, LONGEST_ID)) if text else None
    except InvalidAddress:
        return None
