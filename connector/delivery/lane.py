"""One session's outbox while it is connected: what is in hand, and what goes next.

    claimed -> preparing -> ready -> leaving -> its result, recorded with the next claim

A chat keeps its order (connector/domain/outgoing/lane.py). What goes back to the queue
takes along what is behind it in its chat: Postgres gives them out again in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from connector.delivery.hand import Ended, Hand, InHand, PutBack
from connector.delivery.line import Line
from connector.delivery.prepared import PreparedMessage
from connector.delivery.preparing import Preparing
from connector.delivery.recording import LAST_WORD, Recording
from connector.delivery.sending import Sending
from connector.domain.outgoing import OutboxResult, Outcome, Stage
from connector.ports import Claim

MOST_IN_HAND: Final = 32
# Few, so that little is in doubt after a crash; enough to hide the round trip.
CLAIMED_AT_ONCE: Final = 16
CLAIM_AHEAD_AT: Final = 12  # rows still in hand when a burst claims the next ones

T = TypeVar("T")


class Lane:
    def __init__(
        self,
        recording: Recording,
        preparing: Preparing,
        sending: Sending,
        look_again: Callable[[timedelta | None], None],
    ) -> None:
        """Tell `look_again` when there may be something to send, so that it calls `look`."""
        self._recording = recording
        self._preparing = preparing
        self._sending = sending
        self._look_again = look_again
        self._hand = Hand()
        self._put_back = PutBack()
        self._exchange: asyncio.Task[Claim] | None = None
        self._asked_for = 0
        self._may_be_more = True
        self._changed = asyncio.Event()

    def look(self) -> None:
        """There may be something to send."""
        self._may_be_more = True
        self._changed.set()

    async def deliver(self, line: Line, is_connected: Callable[[], bool]) -> None:
        """Send until the connection is lost; then nothing is in hand any more."""
        self.look()
        while not line.lost and is_connected():
            self._collect()
            self._go_on(line)
            self._exchange_if_due()
            await self._until_changed()
        await self._wind_up()

    async def take_up(self, left: Sequence[InHand]) -> None:
        """Wait for what an earlier run had to leave under way, and record it."""
        for entry in left:
            self._hand.add(entry)
            if entry.task is not None:
                entry.task.add_done_callback(self._wake)
        await self._wind_up()

    async def put_down(self) -> Sequence[InHand]:
        """Record what is known and give back what was not begun, quickly.

        Returns what may leave still. Nothing is judged of it: as a rule the worker is
        stopped next; if it is not, whoever runs the session next waits for it first.
        """
        under_way: list[asyncio.Task[Any]] = [
            each.task for each in self._hand if each.task is not None
        ]
        for entry in self._hand.staying:
            self._give_back(entry)
        if self._exchange is not None:
            # What it claims unseen only this machine could prove not to have begun.
            under_way.append(self._exchange)
        if under_way:
            await asyncio.wait(under_way, timeout=LAST_WORD.total_seconds())
        self._take_or_cancel()
        for entry in self._hand.leaving:
            if entry.task is not None and _succeeded(entry.task):
                self._land(entry, entry.task.result())
        for entry in self._hand.staying:
            self._give_back(entry)
        await self._recording.last_words()
        return [each for each in self._hand if each.task and not each.task.done()]

    def _take_or_cancel(self) -> None:
        """What is claimed by now is given back with the rest."""
        if self._exchange is None:
            return
        exchange, self._exchange = self._exchange, None
        if _succeeded(exchange):
            self._take(exchange.result())
        else:
            exchange.cancel()

    # --- what has happened -----------------------------------------------------------

    async def _until_changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _wind_up(self) -> None:
        while True:
            self._collect()
            for entry in self._hand.staying:
                self._give_back(entry)
            if self._exchange is None and self._recording.waiting:
                # At once: what is unanswered may be so for more than a minute.
                self._exchange_results(claim=0)
            if not self._hand.leaving and self._exchange is None:
                break
            await self._until_changed()

    def _collect(self) -> None:
        for entry in self._hand.ended:
            if self._hand.holds(entry) and entry.task is not None:
                self._land(entry, entry.task.result())
        if not self._hand.leaving:
            self._sending.failed = False
        if self._exchange is not None and self._exchange.done():
            claim, self._exchange = self._exchange.result(), None
            self._take(claim)

    def _land(self, entry: InHand, ended: Ended) -> None:
        if isinstance(ended, OutboxResult):
            self._finish(entry, ended)
        elif entry.stage is Stage.LEAVING and self._put_back.holds_up(entry.chat):
            # Not begun. What is still prepared was before whatever has gone back.
            for each in (entry, *self._hand.behind(entry)):
                self._give_back(each)
        else:
            entry.become_ready(ended)

    def _finish(self, entry: InHand, result: OutboxResult) -> None:
        behind = self._hand.behind(entry)
        self._hand.remove(entry)
        self._recording.add(result, entry.row.claim, with_file=entry.has_file)
        if not self._put_back.add(entry.chat, result):
            return
        if result.pause is not None:
            behind = self._hand.staying
        for other in behind:
            self._give_back(other)

    def _give_back(self, entry: InHand) -> None:
        self._hand.remove(entry)
        result = OutboxResult(id=entry.row.id, outcome=Outcome.RELEASED)
        self._recording.add(result, entry.row.claim)
        self._put_back.add(entry.chat, result)

    def _take(self, claim: Claim) -> None:
        self._put_back.forget_all_but(self._recording.waiting)
        self._may_be_more |= len(claim.rows) >= self._asked_for
        self._look_again(claim.look_again)
        for row in claim.rows:
            entry = InHand(row)
            self._hand.add(entry)
            if self._put_back.holds_up(entry.chat):
                self._give_back(entry)

    # --- what is to be done ----------------------------------------------------------

    def _go_on(self, line: Line) -> None:
        for new in self._hand.unprepared:
            new.task = self._begin(self._preparing.prepare(line, new.row))
        while not self._sending.failed and (entry := self._hand.next()) is not None:
            row, prepared = entry.row, entry.prepared
            if isinstance(prepared, PreparedMessage) and not entry.alone:
                entry.stage = Stage.LEAVING
                entry.task = self._begin(self._sending.send(line, row, prepared))
            elif prepared is not None:
                entry.stage = Stage.ACTING
                entry.task = self._begin(self._sending.act(line, row, prepared))

    def _exchange_if_due(self) -> None:
        if self._exchange is not None:
            return
        told = len(self._recording.waiting)
        # Within a burst, results are told with its next claim.
        is_quiet = self._sending.failed or not self._hand.is_burst
        has_room = len(self._hand) <= CLAIM_AHEAD_AT
        if (told and (is_quiet or told >= CLAIMED_AT_ONCE)) or (
            self._may_be_more and has_room
        ):
            self._asked_for = min(CLAIMED_AT_ONCE, MOST_IN_HAND - len(self._hand))
            self._may_be_more = False
            self._exchange_results(self._asked_for)

    def _exchange_results(self, claim: int) -> None:
        self._exchange = self._begin(
            self._recording.exchange(claim, lambda: self._hand.ids)
        )

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._wake)
        return task

    def _wake(self, _: asyncio.Task[Any]) -> None:
        self._changed.set()


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
