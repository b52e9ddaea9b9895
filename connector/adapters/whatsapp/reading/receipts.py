"""Ticks: others' on our messages, and what we read on another of our devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from connector.adapters.whatsapp.bounds import moment, whatsapp_id
from connector.adapters.whatsapp.protobufs import events
from connector.adapters.whatsapp.reading.rules import ReadingRules
from connector.adapters.whatsapp.reading.whereabouts import whereabouts
from connector.domain.incoming import Incoming
from connector.domain.messages import OwnRead, Receipt, Status

MOST_RECEIPTED: Final = 2_000  # message ids in one receipt
_SECOND: Final = timedelta(seconds=1)
_TICKS: Final[Mapping[int, Status]] = {
    events.Receipt.DELIVERED: Status.DELIVERED,
    events.Receipt.INACTIVE: Status.DELIVERED,
    events.Receipt.READ: Status.READ,
    events.Receipt.PLAYED: Status.PLAYED,
}
_OWN_READS: Final = frozenset(
    {
        events.Receipt.READ,
        events.Receipt.READ_SELF,
        events.Receipt.PLAYED,
        events.Receipt.PLAYED_SELF,
        events.Receipt.SERVER_ERROR,  # neonize 0.5.2 says this for PLAYED_SELF
    }
)


def read_receipt(
    raw: bytes, received_at: datetime, rules: ReadingRules
) -> Iterator[Incoming]:
    event = events.Receipt.FromString(raw)
    where = whereabouts(event.MessageSource, rules)
    if where is None or not event.HasField("Type"):
        return
    at = moment(event.Timestamp, _SECOND, received_at)
    if event.MessageSource.IsFromMe:
        if event.Type in _OWN_READS:
            yield OwnRead(chat=where.chat, at=at)
        return
    status = _TICKS.get(event.Type)
    ids = tuple(whatsapp_id(name) for name in event.MessageIDs[:MOST_RECEIPTED])
    if status is not None and ids:
        yield Receipt(
            chat=where.chat,
            whatsapp_ids=ids,
            participant=where.sender,
            status=status,
            at=at,
        )
