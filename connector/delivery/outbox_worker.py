"""From `wa_outbox` to WhatsApp: claim, send, record; never twice (docs/outbox.md).

What was begun before an interruption is decided in attempts.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connector.delivery.attempts import Attempts
from connector.delivery.recipients import Recipients
from connector.domain import outgoing
from connector.domain.outgoing import OutboxResult, Outcome, OutgoingMessage
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import (
    ConnectorError,
    InvalidAddress,
    InvalidPayload,
    SendFailed,
    SendUncertain,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.ports import (
    Claim,
    ClaimedRow,
    Clock,
    Launcher,
    Numbers,
    OutboxStore,
    SessionContext,
    UnsettledRow,
    Wakeups,
    Worker,
)
from connector.sealing import Sealer

# Few, so that little is in doubt after a crash; enough to hide the round trip.
CLAIMED_AT_ONCE: Final = 16
CLAIM_AHEAD_AT: Final = 12  # rows still in hand when a burst claims the next ones
# What a planned stop waits for the message in flight, and again for the recording.
LAST_WORD: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Sends what apps insert; one `run` a session."""

    launcher: Launcher
    outbox: OutboxStore
    numbers: Numbers
    wakeups: Wakeups
    sealer: Sealer
    clock: Clock
    poll: timedelta  # while the doorbell works
    poll_blind: timedelta  # while it does not

    async def run(self, context: SessionContext) -> None:
        lane = _Lane(self, context)
        try:
            while True:
                await self._until_connected(context, lane)
                await lane.settle_leftovers()
                await lane.deliver()
        finally:
            await lane.put_down()

    async def _until_connected(self, context: SessionContext, lane: _Lane) -> None:
        while context.worker() is None:
            try:
                async with asyncio.timeout(self.poll.total_seconds()):
                    await context.until_connected()
            except TimeoutError:
                # What expires, or waited too long for its receipt, does so offline too.
                await lane.sweep()


class _Lane:
    """One session's outbox, one message at a time."""

    def __init__(self, delivery: Delivery, context: SessionContext) -> None:
        self._delivery = delivery
        self._context = context
        store = delivery.launcher.device_store(context.session_id)
        self._attempts = Attempts(store, delivery.sealer)
        self._recipients = Recipients(context, store, delivery.numbers)
        self._claimed: deque[ClaimedRow] = deque()  # the first may be in flight
        self._flight: asyncio.Task[OutboxResult] | None = None
        self._claiming: asyncio.Task[Claim] | None = None
        self._probably_more = False
        self._unrecorded: list[OutboxResult] = []

    async def settle_leftovers(self) -> None:
        """Decide about the rows that an earlier run, or a lost answer, left claimed."""
        rows = await self._unsettled()
        known = {result.id for result in self._unrecorded}
        known |= {claimed.id for claimed in self._claimed}
        for row in rows:
            if row.id not in known:
                self._unrecorded.append(await self._attempts.settle(row))

    async def sweep(self) -> None:
        """Let Postgres end what waited too long; claim nothing."""
        await self._exchange(0)

    async def deliver(self) -> None:
        """Send until the connection is lost."""
        while (worker := self._context.worker()) is not None:
            await self._take_claim()
            if not self._claimed:
                await self._wait_for_work()
            while self._claimed:
                if self._probably_more and len(self._claimed) == CLAIM_AHEAD_AT:
                    self._begin_claim()
                await self._send_first(worker)
        if self._claiming is not None:
            await self._take_claim()
            self._release_claimed()
        if self._unrecorded:
            await self._exchange(0)

    def _begin_claim(self) -> asyncio.Task[Claim]:
        """Record and claim while sending goes on: a burst need not wait for either."""
        if self._claiming is None:
            self._claiming = asyncio.ensure_future(self._exchange(CLAIMED_AT_ONCE))
        return self._claiming

    async def _take_claim(self) -> None:
        rows = (await asyncio.shield(self._begin_claim())).rows
        self._claiming = None
        self._claimed.extend(rows)
        self._probably_more = len(rows) == CLAIMED_AT_ONCE

    async def put_down(self) -> None:
        """Record what is known and give back what was not begun, quickly.

        Nothing is judged here that may still be under way: the worker is stopped next,
        and only once it is gone does anybody ask its store.
        """
        if self._flight is not None:
            await asyncio.wait({self._flight}, timeout=LAST_WORD.total_seconds())
            if _succeeded(self._flight):
                self._unrecorded.append(self._flight.result())
            # Otherwise it stays `sending`: whoever runs the session next settles it.
            self._flight.cancel()
            self._claimed.popleft()
        if self._claiming is not None:
            # What it may have claimed unseen is settled by whoever runs this next.
            self._claiming.cancel()
            await asyncio.gather(self._claiming, return_exceptions=True)
        self._release_claimed()
        if self._unrecorded:
            with contextlib.suppress(ConnectorError, TimeoutError):
                async with asyncio.timeout(LAST_WORD.total_seconds()):
                    await self._record(0)

    async def _send_first(self, worker: Worker) -> None:
        self._flight = asyncio.ensure_future(self._sent(worker, self._claimed[0]))
        result = await asyncio.shield(self._flight)
        self._flight = None
        self._claimed.popleft()
        self._unrecorded.append(result)
        if result.lost_its_worker:
            # The connection is gone, so the rows behind were not begun either; those
            # claimed ahead go back as well, or they would overtake.
            if self._claiming is not None:
                await self._take_claim()
            self._release_claimed()
            await self._back_off(1)

    async def _sent(self, worker: Worker, row: ClaimedRow) -> OutboxResult:
        try:
            to = outgoing.recipient(row.to, row.chat_jid)
            content = outgoing.content(row.kind, row.payload)
            message = OutgoingMessage(content=content)
        except (InvalidAddress, InvalidPayload) as error:
            return outgoing.outcome_of_invalid(row.id, error)
        secret = self._attempts.secret(row.id, row.claim)
        try:
            address = await self._recipients.find(worker, to, checked=row.on_whatsapp)
            sent = await worker.send(address, message, secret)
        except (SendUncertain, WorkerGone):
            return await self._cut_off(row)
        except SendFailed as error:
            chance = random.random()  # noqa: S311 - jitter
            return outgoing.outcome_of_failure(row.id, row.attempts, error, chance)
        return OutboxResult(
            id=row.id,
            outcome=Outcome.SENT,
            whatsapp_id=sent.whatsapp_id,
            sent_at=sent.at,
        )

    async def _cut_off(self, row: ClaimedRow) -> OutboxResult:
        settled = await self._attempts.settle(
            UnsettledRow(
                id=row.id,
                claim=row.claim,
                lineage=self._attempts.lineage,
                term=self._context.term,
            )
        )
        if settled.outcome is Outcome.RELEASED:
            return outgoing.outcome_of_vanished(row.id, row.attempts)
        return settled

    def _release_claimed(self) -> None:
        self._unrecorded += (
            OutboxResult(id=row.id, outcome=Outcome.RELEASED) for row in self._claimed
        )
        self._claimed.clear()

    async def _exchange(self, claim: int) -> Claim:
        """Record what is done and claim what is next, however long it takes."""
        failures = 0
        while True:
            try:
                return await self._record(claim)
            except SupabaseUnavailable:
                failures += 1
                await self._back_off(failures)
                # The answer may have been lost after the claim was made.
                await self.settle_leftovers()

    async def _record(self, claim: int) -> Claim:
        results = tuple(self._unrecorded)
        claimed = await self._delivery.outbox.exchange(
            self._context.session_id,
            self._context.term,
            self._attempts.lineage,
            results,
            claim,
        )
        self._unrecorded = self._unrecorded[len(results) :]
        return claimed

    async def _unsettled(self) -> Sequence[UnsettledRow]:
        failures = 0
        while True:
            try:
                return await self._delivery.outbox.unsettled(
                    self._context.session_id, self._context.term
                )
            except SupabaseUnavailable:
                failures += 1
                await self._back_off(failures)

    async def _wait_for_work(self) -> None:
        healthy = self._delivery.wakeups.healthy
        at_most = self._delivery.poll if healthy else self._delivery.poll_blind
        await self._delivery.wakeups.wait_outbox(
            self._context.session_id, at_most.total_seconds()
        )

    async def _back_off(self, failures: int) -> None:
        delay = back_off(failures, random.random(), LONGEST_FOR_SUPABASE)  # noqa: S311 - jitter
        await self._delivery.clock.sleep(delay.total_seconds())


def _succeeded(task: asyncio.Task[OutboxResult]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
