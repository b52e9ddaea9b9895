"""One message as the phone remembers it, with what became of it since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from connector.adapters.whatsapp import identity
from connector.adapters.whatsapp.bounds import LONGEST_NAME, clean, moment, whatsapp_id
from connector.adapters.whatsapp.protobufs import web
from connector.adapters.whatsapp.reading.content.context import LONGEST_LIFE
from connector.adapters.whatsapp.reading.content.said import UNSUPPORTED, Said
from connector.adapters.whatsapp.reading.edits_and_deletions import edit_in
from connector.adapters.whatsapp.reading.envelope import Envelope, named
from connector.adapters.whatsapp.reading.history.chats import Remembered
from connector.adapters.whatsapp.reading.history.notices import read_stub
from connector.adapters.whatsapp.reading.message_reading import read_message
from connector.adapters.whatsapp.reading.reactions_and_votes import (
    LONGEST_EMOJI,
    options,
)
from connector.domain.changes import Reaction, Revocation, Vote
from connector.domain.chats import Profile
from connector.domain.incoming import Incoming
from connector.domain.messages import Person, Receipt, Source, Status

MOST_ADDED: Final = 2_000  # reactions, votes or receipts of one message
_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_Info: Final = web.WebMessageInfo
_REVOKED: Final = frozenset({_Info.REVOKE, _Info.ADMIN_REVOKE})
_STATUSES: Final[Mapping[int, Status]] = {
    _Info.ERROR: Status.FAILED,
    _Info.PENDING: Status.PENDING,
    _Info.SERVER_ACK: Status.SENT,
    _Info.DELIVERY_ACK: Status.DELIVERED,
    _Info.READ: Status.READ,
    _Info.PLAYED: Status.PLAYED,
}


def read_remembered(info: Any, where: Remembered) -> Iterator[Incoming]:
    """Read a WebMessageInfo; nothing when it is older than what is wanted.

    Raises ValueError for one that makes no sense.
    """
    at = moment(info.messageTimestamp, _SECOND, where.chunk.received_at)
    if at < where.chunk.since:
        return
    envelope = _envelope(info, where, at)
    stub = info.messageStubType
    if stub in _REVOKED:
        yield from _deleted(envelope, info, where)
    elif stub and not info.HasField("message"):
        rules = where.chunk.rules
        told = read_stub(envelope, info, ignore_calls=rules.ignore_calls)
        if told is not None:
            yield told
    else:
        yield from read_message(envelope, info.message, where.chunk.rules)
        if (edit := edit_in(info.message)) is not None and named(edit.key):
            # The phone keeps an edited message as its last edit: it is both.
            envelope = replace(envelope, whatsapp_id=named(edit.key))
            yield from read_message(envelope, edit.editedMessage, where.chunk.rules)
    yield from _since_then(envelope, info, where)


def _envelope(info: Any, where: Remembered, at: datetime) -> Envelope:
    key = info.key
    from_me = key.fromMe
    lives = info.ephemeralDuration
    return Envelope(
        whatsapp_id=whatsapp_id(key.ID),
        chat=where.chat,
        sender=_sender(info, key, where),
        from_me=from_me,
        sent_at=at,
        source=Source.HISTORY,
        status=_status(info) if from_me else Status.DELIVERED,
        sender_name=clean(info.pushName, LONGEST_NAME) or None,
        expires_after=lives if 0 < lives <= LONGEST_LIFE else 0,
    )


def _sender(info: Any, key: Any, where: Remembered) -> Person:
    told = where.own if key.fromMe else where.other
    if told is None and not key.fromMe:
        told = where.chunk.person(info.participant or key.participant)
    if told is None and info.messageStubType:
        told = Person(lid=where.chat.jid)  # nobody did it: the chat itself says so
    if told is None:
        raise ValueError("nobody sent it")
    return told


def _status(info: Any) -> Status:
    # Phones do not always say; a message that is in the phone's history was sent.
    return _STATUSES[info.status] if info.HasField("status") else Status.SENT


def _deleted(envelope: Envelope, info: Any, where: Remembered) -> Iterator[Incoming]:
    """What it said is gone; that there was something is not."""
    by_admin = info.messageStubType == _Info.ADMIN_REVOKE
    told = list(info.messageStubParameters[:1]) if by_admin else []
    by = where.chunk.person(told[0]) if told else None
    yield envelope.message(Said(UNSUPPORTED, None, {"raw_kind": "deleted"}))
    yield Revocation(
        chat=envelope.chat,
        whatsapp_id=envelope.whatsapp_id,
        from_me=envelope.from_me,
        author=envelope.sender,
        revoked_by=by or envelope.sender,
        by_admin=by_admin and where.chat.jid.is_group,
        revoked_at=moment(
            info.revokeMessageTimestamp or info.messageTimestamp,
            _SECOND,
            where.chunk.received_at,
        ),
    )


def _since_then(envelope: Envelope, info: Any, where: Remembered) -> Iterator[Incoming]:
    """What others did with the message, which the phone keeps beside it."""
    if info.reactions:
        yield from _reactions(envelope, info, where)
    if info.pollUpdates:
        yield from _votes(envelope, info, where)
    if envelope.from_me and info.userReceipt:
        yield from _receipts(envelope, info, where)
    if info.verifiedBizName and not envelope.from_me:
        name = clean(info.verifiedBizName, LONGEST_NAME) or None
        yield Profile(person=envelope.sender, business_name=name)


def _reactions(envelope: Envelope, info: Any, where: Remembered) -> Iterator[Reaction]:
    for one in info.reactions[:MOST_ADDED]:
        by = _by(one.key, where)
        if by is not None:
            yield Reaction(
                chat=envelope.chat,
                whatsapp_id=envelope.whatsapp_id,
                sender=by,
                from_me=one.key.fromMe,
                emoji=clean(one.text, LONGEST_EMOJI),
                reacted_at=_moment(one.senderTimestampMS, envelope, where),
            )


def _votes(envelope: Envelope, info: Any, where: Remembered) -> Iterator[Vote]:
    """The phone has opened them already, or could not."""
    for one in info.pollUpdates[:MOST_ADDED]:
        key = one.pollUpdateMessageKey
        by = _by(key, where)
        if by is not None:
            yield Vote(
                chat=envelope.chat,
                whatsapp_id=envelope.whatsapp_id,
                voter=by,
                from_me=key.fromMe,
                options=_chosen(one),
                voted_at=_moment(
                    one.senderTimestampMS or one.serverTimestampMS, envelope, where
                ),
            )


def _chosen(update: Any) -> tuple[bytes, ...] | None:
    opened = update.HasField("vote")
    return options(update.vote.selectedOptions) if opened else None


def _receipts(envelope: Envelope, info: Any, where: Remembered) -> Iterator[Receipt]:
    for one in info.userReceipt[:MOST_ADDED]:
        by = where.chunk.person(one.userJID)
        if by is None or identity.is_same(by, where.own):
            continue
        for status, value in (
            (Status.DELIVERED, one.receiptTimestamp),
            (Status.READ, one.readTimestamp),
            (Status.PLAYED, one.playedTimestamp),
        ):
            if value > 0:
                yield Receipt(
                    chat=envelope.chat,
                    whatsapp_ids=(envelope.whatsapp_id,),
                    participant=by,
                    status=status,
                    at=moment(value, _SECOND, where.chunk.received_at),
                )


def _by(key: Any, where: Remembered) -> Person | None:
    if key.fromMe:
        return where.own
    return where.other or where.chunk.person(key.participant)


def _moment(milliseconds: int, envelope: Envelope, where: Remembered) -> datetime:
    if milliseconds <= 0:
        return envelope.sent_at
    return moment(milliseconds, _MILLISECOND, where.chunk.received_at)
