"""Spooled events as the domain's words: raw protobuf in, messages and changes out.

Pure and lazy. Whatever the bytes are, `decode` returns or raises Poison: the reader of
the spool sets a poison event aside and goes on.

Units differ by event: a message's timestamp is milliseconds, all others' seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp.bounds import (
    LONGEST_NAME,
    clean,
    moment,
    whatsapp_id,
)
from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading import calls, group_events
from connector.adapters.whatsapp.reading.content.said import UNDECRYPTABLE, Said
from connector.adapters.whatsapp.reading.envelope import Envelope
from connector.adapters.whatsapp.reading.history.event import read_history
from connector.adapters.whatsapp.reading.message_reading import read_message
from connector.adapters.whatsapp.reading.receipts import read_receipt
from connector.adapters.whatsapp.reading.rules import (
    SENSELESS,
    Poison,
    ReadingRules,
    Rejected,
)
from connector.adapters.whatsapp.reading.whereabouts import (
    Whereabouts,
    everywhere,
)
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Json, Source, Status

_PEER: Final = "peer"  # between the devices of one account
_ADMIN_REVOKE: Final = "8"  # whatsmeow types/message.go, EditAttribute
_MILLISECOND: Final = timedelta(milliseconds=1)


def decode(
    code: int, raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming | Rejected]:
    """Read one spooled event, bit by bit; nothing when it is not for people.

    Raises Poison, at the first step, for what is no such event at all; and whatever
    keeps a secret from being read for now.
    """
    read = _READERS.get(code)
    if read is None:
        raise Poison("an event that is never spooled")
    try:
        found = read(raw, received_at, rules)
        # All or nothing of what is small; history is neither.
        yield from found if code == Code.HISTORY_SYNC else list(found)
    except SENSELESS as error:
        raise Poison(type(error).__name__) from error


def _message(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    event = events.Message.FromString(raw)
    for envelope in _envelopes(event.Info, received_at, rules):
        verified = event.Info.VerifiedName.Details.verifiedName
        if verified and not envelope.from_me:
            name = clean(verified, LONGEST_NAME) or None
            yield Profile(person=envelope.sender, business_name=name)
        yield from read_message(
            envelope, event.Message, rules, view_once=event.IsViewOnce
        )


def _undecryptable(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    event = events.UndecryptableMessage.FromString(raw)
    if event.DecryptFailMode == event.DECRYPT_FAIL_HIDE:
        return
    # Such as what is to be seen once, on the phone only: it will never be readable.
    gone: dict[str, Json] = {"unavailable": True} if event.IsUnavailable else {}
    for envelope in _envelopes(event.Info, received_at, rules):
        yield envelope.message(Said(UNDECRYPTABLE, None, gone))


def _envelopes(
    info: Any, received_at: datetime, rules: ReadingRules
) -> Iterator[Envelope]:
    """One, as a rule; none for what is not for people, or not wanted."""
    if info.Category != _PEER:
        for where in everywhere(info.MessageSource, rules):
            yield _envelope(info, where, received_at)


def _envelope(info: Any, where: Whereabouts, received_at: datetime) -> Envelope:
    from_me = info.MessageSource.IsFromMe
    return Envelope(
        whatsapp_id=whatsapp_id(info.ID),
        chat=where.chat,
        sender=where.sender,
        from_me=from_me,
        sent_at=moment(info.Timestamp, _MILLISECOND, received_at),
        source=Source.PHONE if from_me else Source.LIVE,
        status=Status.SENT if from_me else Status.DELIVERED,
        sender_name=clean(info.Pushname, LONGEST_NAME) or None,
        by_admin=info.Edit == _ADMIN_REVOKE,
    )


_Reader = Callable[[bytes, datetime, ReadingRules], Iterator[Incoming | Rejected]]
_READERS: Final[Mapping[int, _Reader]] = {
    Code.HISTORY_SYNC: read_history,
    Code.MESSAGE: _message,
    Code.RECEIPT: read_receipt,
    Code.UNDECRYPTABLE_MESSAGE: _undecryptable,
    Code.JOINED_GROUP: group_events.read_joined_group,
    Code.GROUP_INFO: group_events.read_group_info,
    Code.PICTURE: group_events.read_picture,
    Code.CALL_OFFER: calls.read_offer,
    Code.CALL_OFFER_NOTICE: calls.read_notice,
}
