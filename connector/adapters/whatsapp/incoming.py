"""Spooled events as the domain's words: raw protobuf in, messages and receipts out.

Pure and lazy. Whatever the bytes are, `decode` returns or raises Poison: the reader of
the spool sets a poison event aside and goes on.

Units differ by event: a message's timestamp is milliseconds, a receipt's seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from google.protobuf.message import DecodeError

from connector.adapters.whatsapp import content, identity
from connector.adapters.whatsapp.bounds import (
    LONGEST_NAME,
    clean,
    moment,
    whatsapp_id,
)
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.history import HistoryRules, decode_history
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading import Poison, ReadingRules, Rejected
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Chat, Message, Person, Receipt, Source, Status
from connector.errors import InvalidAddress

MOST_RECEIPTED: Final = 2_000  # message ids in one receipt
_PEER: Final = "peer"  # between the devices of one account
_MILLISECOND: Final = timedelta(milliseconds=1)


def decode(
    code: int, raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming | Rejected]:
    """Read one spooled event, bit by bit; nothing when it is not for people.

    Raises Poison, at the first step, for what is no such event at all.
    """
    read = _READERS.get(code)
    if read is None:
        raise Poison("an event that is never spooled")
    try:
        yield from read(raw, received_at, rules)
    except (DecodeError, InvalidAddress, ValueError, OverflowError) as error:
        raise Poison(type(error).__name__) from error


def _message(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Sequence[Incoming]:
    event = events.Message.FromString(raw)
    where = _where(event.Info, rules)
    said = content.read(event.Message)
    if where is None or said is None:
        return ()
    if event.IsViewOnce and said.kind != content.VIEW_ONCE:
        said = content.Content(kind=content.VIEW_ONCE, content={"of": said.kind})
    return (_of(event.Info, where, said, received_at),)


def _undecryptable(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Sequence[Incoming]:
    event = events.UndecryptableMessage.FromString(raw)
    where = _where(event.Info, rules)
    if where is None or event.DecryptFailMode == event.DECRYPT_FAIL_HIDE:
        return ()
    said = content.Content(kind=content.UNDECRYPTABLE)
    return (_of(event.Info, where, said, received_at),)


@dataclass(frozen=True, slots=True)
class _Where:
    chat: Chat
    sender: Person


def _of(
    info: Any, where: _Where, said: content.Content, received_at: datetime
) -> Message:
    from_me = info.MessageSource.IsFromMe
    return Message(
        whatsapp_id=whatsapp_id(info.ID),
        chat=where.chat,
        from_me=from_me,
        sender=where.sender,
        sender_name=clean(info.Pushname, LONGEST_NAME) or None,
        kind=said.kind,
        body=said.body,
        content=said.content,
        quoted_whatsapp_id=said.quoted_whatsapp_id,
        mentions=identity.several(said.mentions),
        sent_at=moment(info.Timestamp, _MILLISECOND, received_at),
        source=Source.PHONE if from_me else Source.LIVE,
        status=Status.SENT if from_me else Status.DELIVERED,
    )


def _where(info: Any, rules: ReadingRules) -> _Where | None:
    """Where a message belongs; None when it is not for people, or not wanted."""
    if info.Category == _PEER:
        return None
    source = info.MessageSource
    chat_jid = identity.jid_of(source.Chat)
    sender = identity.person(
        identity.jid_of(source.Sender), identity.jid_of(source.SenderAlt)
    )
    if chat_jid is None or sender is None:
        return None
    chat = _chat(source, chat_jid, sender, rules)
    return None if chat is None else _Where(chat, sender)


def _chat(source: Any, jid: Jid, sender: Person, rules: ReadingRules) -> Chat | None:
    if jid.is_group:
        return identity.group_chat(jid)
    if jid.server == identity.NEWSLETTER_SERVER:
        return None
    if jid == identity.STATUS:
        return None if rules.ignore_status else identity.group_chat(jid)
    if jid.server == identity.BROADCAST_SERVER:
        # To the one who gets it, a broadcast is a direct message.
        return identity.group_chat(jid) if source.IsFromMe else _direct(sender)
    other = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    counterpart = identity.person(jid, identity.jid_of(other))
    return None if counterpart is None else _direct(counterpart)


def _direct(person: Person) -> Chat:
    return identity.direct_chat(person)


_TICKS: Final[Mapping[int, Status]] = {
    events.Receipt.DELIVERED: Status.DELIVERED,
    events.Receipt.INACTIVE: Status.DELIVERED,
    events.Receipt.READ: Status.READ,
    events.Receipt.PLAYED: Status.PLAYED,
}


def _receipt(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Sequence[Incoming]:
    """Only others' ticks on our messages; our own devices' receipts are not news."""
    event = events.Receipt.FromString(raw)
    source = event.MessageSource
    status = _TICKS.get(event.Type)
    if status is None or source.IsFromMe:
        return ()
    chat_jid = identity.jid_of(source.Chat)
    participant = identity.person(
        identity.jid_of(source.Sender), identity.jid_of(source.SenderAlt)
    )
    if chat_jid is None or participant is None:
        return ()
    chat = _chat(source, chat_jid, participant, rules)
    ids = tuple(whatsapp_id(name) for name in event.MessageIDs[:MOST_RECEIPTED])
    if chat is None or not ids:
        return ()
    return (
        Receipt(
            chat=chat,
            whatsapp_ids=ids,
            participant=participant,
            status=status,
            at=moment(event.Timestamp, timedelta(seconds=1), received_at),
        ),
    )


def _history(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Sequence[Incoming]:
    return decode_history(
        raw,
        HistoryRules(received_at=received_at, days=rules.history_days, own=rules.own),
    )


_Reader = Callable[[bytes, datetime, ReadingRules], Sequence[Incoming]]
_READERS: Final[Mapping[int, _Reader]] = {
    Code.HISTORY_SYNC: _history,
    Code.MESSAGE: _message,
    Code.RECEIPT: _receipt,
    Code.UNDECRYPTABLE_MESSAGE: _undecryptable,
}
