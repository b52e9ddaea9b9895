"""Files on their way to WhatsApp: two of a session at a time, slow ones without their row.

A row in hand keeps what is behind it waiting, and of a paced session everything. So one
whose file takes long goes back to the queue, and its file goes on:

    in hand, its file on its way -> uploaded
        |  patience
    queued until retry_at (its chat is held back, others go), its file on its way
        |  claimed again
    uploaded meanwhile: it is sent. Failed: that is said of this claim. Neither: as before
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.delivery.line import Line
from connector.delivery.uploading import Uploading
from connector.domain.outgoing import OutgoingFile
from connector.errors import NotConnected, WorkerGone
from connector.payloads import Payload
from connector.ports import ClaimedRow

MOST_AT_ONCE: Final = 2
MOST_REMEMBERED: Final = 100  # rows that went back; what ended is forgotten first


class StillOnItsWay(Exception):
    """The file goes on; the row need not be in hand for it."""


class Fetching:
    """One session's."""

    def __init__(self, uploading: Uploading, patience: timedelta) -> None:
        self._uploading = uploading
        self._patience = patience.total_seconds()
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._on_their_way: dict[str, _OnItsWay] = {}

    async def file(
        self, line: Line, row: ClaimedRow, payload: Payload
    ) -> OutgoingFile | None:
        """Raises StillOnItsWay, and what Uploading.file raises."""
        going = self._resumed(line, row) or await self._begun(line, row, payload)
        try:
            await asyncio.wait({going.task}, timeout=self._patience)
        except asyncio.CancelledError:
            going.task.cancel()  # the row is given back, or we stop
            raise
        if not going.task.done():
            self._remember(row, going)
            raise StillOnItsWay
        try:
            return going.task.result()
        except (NotConnected, WorkerGone):
            going.line.lost = True
            raise

    def forget(self, row: ClaimedRow) -> None:
        """Its file is with WhatsApp, as the row says: what came of it here is not needed."""
        if (going := self._on_their_way.pop(row.id, None)) is not None:
            going.task.cancel()  # were it not over, only its last answer is missing

    def stop(self) -> None:
        for going in self._on_their_way.values():
            going.task.cancel()

    async def _begun(self, line: Line, row: ClaimedRow, payload: Payload) -> _OnItsWay:
        # Whoever has no turn yet stays in hand: what is on its way has a bound.
        await self._turns.acquire()
        work = self._uploading.file(line, row, payload)
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._turns.release())
        return _OnItsWay(line, task)

    def _resumed(self, line: Line, row: ClaimedRow) -> _OnItsWay | None:
        """What goes on for this row, or what came of it; not what a lost line cut off."""
        going = self._on_their_way.pop(row.id, None)
        if going is None or going.line is line or going.tells:
            return going
        going.task.cancel()
        return None

    def _remember(self, row: ClaimedRow, going: _OnItsWay) -> None:
        self._on_their_way[row.id] = going
        ended = [name for name, one in self._on_their_way.items() if one.task.done()]
        for name in ended[: max(0, len(self._on_their_way) - MOST_REMEMBERED)]:
            del self._on_their_way[name]


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    line: Line
    task: asyncio.Task[OutgoingFile | None]

    @property
    def tells(self) -> bool:
        """Whether it has ended, and by more than having waited for a line in vain."""
        if not self.task.done() or self.task.cancelled():
            return False
        return not isinstance(self.task.exception(), NotConnected)
