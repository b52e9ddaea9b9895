"""From `wa_outbox` to WhatsApp: claim, prepare, send, record; never twice (docs/outbox.md).

What was begun before an interruption is decided in attempts.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from connector.delivery.attempts import Attempts
from connector.delivery.fetching import Fetching
from connector.delivery.hand import InHand
from connector.delivery.lane import Lane
from connector.delivery.line import Line
from connector.delivery.preparing import Preparing
from connector.delivery.recipients import Recipients
from connector.delivery.recording import Recording
from connector.delivery.sending import Sending
from connector.delivery.uploading import Uploading
from connector.delivery.waking import Waking
from connector.domain.retry import back_off
from connector.ports import (
    Clock,
    Files,
    Launcher,
    Numbers,
    OutboxStore,
    SessionContext,
    SessionId,
    UnrecordedResults,
    Uploads,
    Wakeups,
)
from connector.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Sends what apps insert; one `run` a session."""

    launcher: Launcher
    unrecorded: Callable[[SessionId], UnrecordedResults]
    outbox: OutboxStore
    numbers: Numbers
    files: Files
    uploads: Uploads
    # What was sent from elsewhere is kept in Storage like what is received.
    file_sent: Callable[[SessionId], None]
    wakeups: Wakeups
    sealer: Sealer
    clock: Clock
    chance: Callable[[], float]
    poll: timedelta  # while the doorbell works
    poll_blind: timedelta  # while it does not
    patience: timedelta = timedelta(seconds=10)  # with the file of a row in hand
    spare_memory: Callable[[], int | None] = lambda: None  # bytes, of the machine
    one_upload: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    # A run that fails ends while its worker goes on: what that has may leave still, and
    # nobody may ask its store about it, or send it again, before it has answered.
    _left: dict[SessionId, Sequence[InHand]] = field(default_factory=dict)

    async def run(self, context: SessionContext) -> None:
        session = _Session(self, context)
        left = self._left.pop(context.session_id, ())
        try:
            await session.take_up(left)
            while True:
                await session.until_connected()
                await session.deliver()
        finally:
            self._left[context.session_id] = await session.put_down()


class _Session:
    def __init__(self, delivery: Delivery, context: SessionContext) -> None:
        self._context = context
        self._poll = delivery.poll
        self._clock, self._chance = delivery.clock, delivery.chance
        store = delivery.launcher.device_store(context.session_id)
        attempts = Attempts(store, delivery.sealer)
        self._recording = _recording(delivery, context, attempts)
        self._sending = Sending(context, attempts, self._clock, self._chance)
        self._waking = Waking(
            context.session_id,
            delivery.wakeups,
            self._clock,
            poll=delivery.poll,
            poll_blind=delivery.poll_blind,
            wake=self._look,
        )
        recipients = Recipients(context, store, delivery.numbers)
        self._preparing = _preparing(delivery, context, recipients)
        self._lane = Lane(
            self._recording,
            self._preparing,
            self._sending,
            self._waking.again_after,
        )

    def _look(self) -> None:
        self._lane.look()

    async def take_up(self, left: Sequence[InHand]) -> None:
        if left:
            await self._lane.take_up(left)

    async def until_connected(self) -> None:
        while self._context.worker() is None:
            try:
                async with asyncio.timeout(self._poll.total_seconds()):
                    await self._context.until_connected()
            except TimeoutError:
                # What expires, or waited too long for its receipt, does so offline too.
                await self._recording.exchange(0, tuple)

    async def deliver(self) -> None:
        worker = self._context.worker()
        if worker is None:
            return
        await self._recording.settle_leftovers()
        self._waking.listen()
        line = Line(worker)
        await self._lane.deliver(line, lambda: self._context.worker() is worker)
        if line.lost:
            await self._clock.sleep(back_off(1, self._chance()).total_seconds())

    async def put_down(self) -> Sequence[InHand]:
        self._waking.stop()
        self._sending.stop()
        self._preparing.stop()
        return await self._lane.put_down()


def _recording(
    delivery: Delivery, context: SessionContext, attempts: Attempts
) -> Recording:
    return Recording(
        context=context,
        outbox=delivery.outbox,
        attempts=attempts,
        notes=delivery.unrecorded(context.session_id),
        file_sent=partial(delivery.file_sent, context.session_id),
        clock=delivery.clock,
        chance=delivery.chance,
    )


def _preparing(
    delivery: Delivery, context: SessionContext, recipients: Recipients
) -> Preparing:
    uploading = Uploading(
        context,
        delivery.files,
        delivery.uploads,
        delivery.one_upload,
        delivery.spare_memory,
    )
    fetching = Fetching(uploading, delivery.patience)
    return Preparing(
        recipients, fetching, delivery.files, delivery.clock, delivery.chance
    )
