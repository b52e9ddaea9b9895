"""The supervisor's half of the spool: read, decode, trim (writer.py is the worker's).

    read    decodes what is next; reading again gives the same again
    trim    forgets what is stored, and only what the last read handed out
    owed    what a full disk refuses to forget is made up for later; it counts as done
    poison  what cannot be decoded goes to the dead letters when its batch is trimmed

Live events and history queue up in two lanes (lanes.py): news never waits for all of a
history, and history never waits for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from connector.adapters.whatsapp.event_codes import Code
from connector.adapters.whatsapp.reading.address_book import AddressBook
from connector.adapters.whatsapp.reading.history.excerpt import excerpt
from connector.adapters.whatsapp.reading.history.pieces import as_event
from connector.adapters.whatsapp.reading.incoming import decode
from connector.adapters.whatsapp.reading.rules import HINDRANCES as WHILE_READING
from connector.adapters.whatsapp.reading.rules import Poison, ReadingRules, Rejected
from connector.adapters.whatsapp.spool.awaited_history import AwaitedHistory
from connector.adapters.whatsapp.spool.dead_letters import DeadLetter, Part, WholeEvent
from connector.adapters.whatsapp.spool.kept_rules import KeptRules
from connector.adapters.whatsapp.spool.lanes import (
    HINDRANCES,
    Entry,
    EventLane,
    Reading,
)
from connector.adapters.whatsapp.spool.queue import Event, Row, SpoolQueue
from connector.adapters.whatsapp.spool.writer import sealing_context
from connector.domain.addresses import Jid
from connector.domain.incoming import Incoming
from connector.domain.messages import Person
from connector.errors import SealBroken, SpoolUnavailable
from connector.ports import AwaitedPiece, Lane, SessionRow, SpooledBatch
from connector.sealing import Sealer

LIVE_IN_A_ROW: Final = 3  # batches, when history waits
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class SpoolReader:
    """Implements ports.Spool over a session's spool file."""

    def __init__(
        self,
        path: Path,
        *,
        session_id: str,
        sealer: Sealer,
        rules: ReadingRules,
        own: Callable[[], Person | None],
        phone_of: Callable[[Jid], Jid | None],
    ) -> None:
        """`own` says whose number it is, once that is known."""
        self._session_id = session_id
        self._sealer = sealer
        self._rules = rules
        self._kept = KeptRules(path.parent)
        self._followed = False
        self._own = own
        self._people = AddressBook(phone_of)
        # Not asyncio's: a cancelled call goes on in its thread until it is done.
        self._turn = threading.Lock()
        self._queue = SpoolQueue(path, session_id)
        self._awaited = AwaitedHistory(path.parent, session_id, sealer)
        reading = Reading(decode=self._decode, letter=self._part)
        self._lanes = {lane: EventLane(lane, self._queue, reading) for lane in Lane}
        self._live_in_a_row = 0
        self._handed_out: list[Entry] = []
        self._number = 0  # of the batch that is handed out
        self._condemned: dict[int, str] = {}  # history events to keep when they end
        self._depth = 0

    async def read(self, limits: Mapping[Lane, int]) -> SpooledBatch | None:
        """Raises SealBroken when the events were sealed with a key we do not have."""
        return await asyncio.to_thread(self._read, limits)

    async def read_ahead(self, lane: Lane, limit: int) -> None:
        await asyncio.to_thread(self._read_ahead, lane, limit)

    async def trim(self, batch: SpooledBatch) -> None:
        await asyncio.to_thread(self._trim, batch)

    async def reject(self, batch: SpooledBatch, reason: str) -> None:
        await asyncio.to_thread(self._reject, batch, reason)

    async def awaited_history(self, before: datetime) -> Sequence[AwaitedPiece]:
        return await asyncio.to_thread(self._awaited.before, before)

    async def supply_history(
        self, piece: AwaitedPiece, content: bytes, term: int
    ) -> None:
        await asyncio.to_thread(self._supply, piece, content, term)

    async def forget_history(self, piece: AwaitedPiece) -> None:
        await asyncio.to_thread(self._awaited.forget, piece)

    async def depth(self) -> int:
        return await asyncio.to_thread(self._count)

    async def check_key(self) -> None:
        """Raises SealBroken when the oldest event names a key that we do not have."""
        await asyncio.to_thread(self._check_key)

    def close(self) -> None:
        with self._turn:
            self._queue.close()

    def follow(self, session: SessionRow) -> None:
        self._followed = True
        self._rules = replace(
            self._rules,
            history_days=session.history_days,
            ignore_status=session.ignore_status,
            ignore_newsletters=session.ignore_newsletters,
            ignore_calls=session.ignore_calls,
        )

    def forget_own(self) -> None:
        """A worker starts: it may be linked to another account than before."""
        self._rules = replace(self._rules, own=None)
        self._awaited.begin_anew()

    # --- in a thread -----------------------------------------------------------------

    def _check_key(self) -> None:
        with self._turn, _disk():
            for lane in Lane:
                for row in self._queue.next(lane, 0, 1):
                    if not self._sealer.knows(row.body):
                        raise SealBroken

    def _read(self, limits: Mapping[Lane, int]) -> SpooledBatch | None:
        with self._turn, _disk():
            self._remember_rules()
            self._queue.pay()
            hindered: BaseException | None = None
            for lane in self._order():
                try:
                    entries = self._lanes[lane].hand_out(limits[lane])
                except WHILE_READING as error:
                    hindered = error  # what hinders one lane need not hold up the other
                    continue
                if entries:
                    self._queue.fold_log()  # nothing is trimmed while Supabase is away
                    return self._batch(lane, entries)
            if hindered is not None:
                raise hindered
            return None

    def _remember_rules(self) -> None:
        if self._followed:
            self._kept.keep(self._rules)
        else:
            self._rules = self._kept.over(self._rules)

    def _order(self) -> tuple[Lane, Lane]:
        if self._live_in_a_row < LIVE_IN_A_ROW:
            return Lane.LIVE, Lane.HISTORY
        return Lane.HISTORY, Lane.LIVE

    def _batch(self, lane: Lane, entries: list[Entry]) -> SpooledBatch:
        self._handed_out = entries
        self._number += 1
        return SpooledBatch(
            lane=lane,
            term=entries[0].event.term,
            incoming=[item for entry in entries for item in entry.incoming],
            rejected=sum(len(entry.letters) for entry in entries),
            number=self._number,
            received_at=_EPOCH + timedelta(milliseconds=entries[0].event.received_at),
        )

    def _read_ahead(self, lane: Lane, limit: int) -> None:
        # What hinders it now will hinder the next read, which tells.
        with self._turn, contextlib.suppress(*HINDRANCES):
            self._lanes[lane].fill(len(self._handed_out) + limit)

    def _trim(self, batch: SpooledBatch) -> None:
        with self._turn:
            if batch.number == self._number:
                self._settle(batch.lane, [])

    def _reject(self, batch: SpooledBatch, reason: str) -> None:
        with self._turn:
            if batch.number != self._number:
                return
            letters = [
                letter
                for entry in self._handed_out
                if entry.incoming
                and (letter := self._refused(batch.lane, entry, reason)) is not None
            ]
            self._settle(batch.lane, letters)

    def _refused(self, lane: Lane, entry: Entry, reason: str) -> DeadLetter | None:
        event = entry.event
        if lane is Lane.LIVE:
            return WholeEvent(event.seq, reason)
        # What cannot be read now, either, is kept with its event.
        with contextlib.suppress(*HINDRANCES, LookupError, Poison):
            raw = self._unsealed(Row(event, self._queue.body(event)))
            alone = excerpt(raw, entry.incoming[0])
            if alone is not None:
                return self._part(
                    event, Rejected(code=event.code, raw=alone, reason=reason)
                )
        # Kept once, however many of its parts are refused: when the event ends.
        self._condemned.setdefault(event.seq, reason)
        return None

    def _settle(self, lane: Lane, refused: list[DeadLetter]) -> None:
        entries = self._lanes[lane].drop(len(self._handed_out))
        self._handed_out = []
        self._number += 1  # it is settled once
        self._live_in_a_row = self._live_in_a_row + 1 if lane is Lane.LIVE else 0
        letters = [letter for entry in entries for letter in entry.letters]
        done = [entry.event.seq for entry in entries if entry.is_last]
        condemned: list[DeadLetter] = [
            WholeEvent(seq, self._condemned.pop(seq))
            for seq in done
            if seq in self._condemned
        ]
        self._queue.settle(done, [*letters, *refused, *condemned])

    def _supply(self, piece: AwaitedPiece, content: bytes, term: int) -> None:
        code = Code.HISTORY_SYNC
        context = sealing_context(self._session_id, code)
        body = self._sealer.seal(as_event(content), context)
        with self._turn, _disk():
            self._queue.append(code, term, body)
        self._awaited.forget(piece)

    def _count(self) -> int:
        with self._turn:
            # Whoever asks waits for the spool to be empty: in doubt it is not.
            with contextlib.suppress(sqlite3.Error):
                self._depth = self._queue.count()
                return self._depth
            return max(self._depth, 1)

    # --- reading an event ------------------------------------------------------------

    def _decode(self, row: Row) -> Iterator[Incoming | Rejected]:
        event = row.event
        raw = self._unsealed(row)
        self._awaited.note(event.code, raw, event.received_at)
        if self._rules.own is None:
            self._rules = replace(self._rules, own=self._own())
        at = _EPOCH + timedelta(milliseconds=event.received_at)
        for item in decode(event.code, raw, at, self._rules):
            yield (item if isinstance(item, Rejected) else self._people.completed(item))

    def _unsealed(self, row: Row) -> bytes:
        context = sealing_context(self._session_id, row.event.code)
        try:
            return self._sealer.open(row.body, context)
        except SealBroken as error:
            if not self._sealer.knows(row.body):
                raise  # all of them are: WA_STATE_KEY is wrong, not the event
            raise Poison("damaged") from error

    def _part(self, event: Event, item: Rejected) -> DeadLetter:
        return Part(
            code=item.code,
            term=event.term,
            received_at=event.received_at,
            reason=item.reason,
            body=self._sealer.seal(
                item.raw, sealing_context(self._session_id, item.code)
            ),
        )


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SpoolUnavailable from error
