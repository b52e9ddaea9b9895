"""A lane of the spool: events decoded in order, handed out, and dropped once stored.

    queue ──next──▶ rows ──decode──▶ entries ──hand_out──▶ a batch ──drop──▶ settled
                                        ▲ the same again until they are dropped

A live event is one entry. A history event holds thousands of messages: each is an entry,
decoded when its turn comes, and only one such event is in memory. The event itself stays
in the file until its last entry is dropped; after a crash it starts again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import structlog

from connector.adapters.whatsapp.reading.rules import HINDRANCES as WHILE_READING
from connector.adapters.whatsapp.reading.rules import Poison, Rejected
from connector.adapters.whatsapp.spool.dead_letters import DeadLetter, WholeEvent
from connector.adapters.whatsapp.spool.queue import (
    MOST_BYTES,
    Event,
    Row,
    SpoolQueue,
)
from connector.adapters.whatsapp.spool.weights import weight
from connector.domain.incoming import Incoming
from connector.errors import SealBroken
from connector.ports import Lane

# Not the event's fault: its key is not ours, and what hinders reading by itself.
HINDRANCES: Final = (*WHILE_READING, SealBroken)
_ROWS_AT_ONCE: Final = {Lane.LIVE: 500, Lane.HISTORY: 1}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The least that can be stored, or set aside, by itself."""

    event: Event
    weight: int  # bytes, roughly
    incoming: tuple[Incoming, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    is_last: bool = True  # nothing of its event comes after it


@dataclass(frozen=True, slots=True)
class Reading:
    """How events are read."""

    decode: Callable[[Row], Iterator[Incoming | Rejected]]
    letter: Callable[[Event, Rejected], DeadLetter]


class EventLane:
    def __init__(self, lane: Lane, queue: SpoolQueue, reading: Reading) -> None:
        self._lane = lane
        self._queue = queue
        self._reading = reading
        self._entries: deque[Entry] = deque()
        self._rows: deque[Row] = deque()
        self._after = 0  # the last event that was taken from the queue
        # Of the history event that is being read:
        self._items: Iterator[Incoming | Rejected] | None = None
        self._read = 0

    def hand_out(self, limit: int) -> list[Entry]:
        """Return the next entries, of one term; the same again until they are dropped."""
        try:
            self.fill(limit)
        except HINDRANCES:
            if not self._entries:
                raise
        found: list[Entry] = []
        heaviness = 0
        for entry in islice(self._entries, limit):
            heaviness += entry.weight
            if found and (
                entry.event.term != found[0].event.term or heaviness > MOST_BYTES
            ):
                break
            found.append(entry)
        return found

    def drop(self, count: int) -> list[Entry]:
        """Forget the first entries: they are stored or set aside."""
        return [self._entries.popleft() for _ in range(count)]

    def fill(self, most: int) -> None:
        """Decode until `most` entries wait, or a batch's bytes twice, or all there is."""
        if not (self._entries or self._rows or self._queue.owes):
            self._after = 0  # numbers rise, unless somebody sets the clock back
        heaviness = sum(entry.weight for entry in self._entries)
        while len(self._entries) < most and heaviness < 2 * MOST_BYTES:
            entry = self._next()
            if entry is None:
                return
            heaviness += entry.weight
            self._entries.append(entry)

    def _next(self) -> Entry | None:
        if self._lane is Lane.HISTORY and self._queue.owes_parts:
            return None
        if not self._rows:
            at_once = _ROWS_AT_ONCE[self._lane]
            self._rows.extend(self._queue.next(self._lane, self._after, at_once))
            if not self._rows:
                return None
            self._after = self._rows[-1].event.seq
        row = self._rows[0]
        entry = self._whole(row) if self._lane is Lane.LIVE else self._part(row)
        if entry.is_last:
            self._rows.popleft()
        return entry

    def _whole(self, row: Row) -> Entry:
        event = row.event
        try:
            items = list(self._reading.decode(row))
        except HINDRANCES:
            raise
        except Exception as error:  # noqa: BLE001 - one event must not stop the lane
            return _poisoned(event, error)
        incoming = tuple(item for item in items if not isinstance(item, Rejected))
        return Entry(
            event=event,
            weight=max(len(row.body), sum(map(weight, incoming))),
            incoming=incoming,
            letters=tuple(
                self._reading.letter(event, item)
                for item in items
                if isinstance(item, Rejected)
            ),
        )

    def _part(self, row: Row) -> Entry:
        event = row.event
        try:
            item = next(self._opened(row), None)
        except HINDRANCES:
            self._items = None  # a generator that raised is over
            raise
        except Exception as error:  # noqa: BLE001 - one event must not stop the lane
            self._items, self._read = None, 0
            return _poisoned(event, error)
        self._read += 1
        if item is None:
            self._items, self._read = None, 0
            return Entry(event=event, weight=0)
        if isinstance(item, Rejected):
            letters = (self._reading.letter(event, item),)
            size = len(item.raw)
            return Entry(event=event, weight=size, letters=letters, is_last=False)
        size = weight(item)
        return Entry(event=event, weight=size, incoming=(item,), is_last=False)

    def _opened(self, row: Row) -> Iterator[Incoming | Rejected]:
        """The event's items from where they were, if something broke it off before."""
        if self._items is None:
            body = row.body or self._queue.body(row.event)
            items = self._reading.decode(Row(row.event, body))
            self._items = islice(items, self._read, None)
            self._rows[0] = Row(row.event, b"")  # megabytes
        return self._items


def _poisoned(event: Event, error: Exception) -> Entry:
    if not isinstance(error, Poison):
        log.error("event not understood", code=event.code, error=type(error).__name__)
    reason = str(error) if isinstance(error, Poison) else type(error).__name__
    return Entry(event=event, weight=0, letters=(WholeEvent(event.seq, reason),))
