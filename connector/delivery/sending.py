"""A row that is ready: sent, shown or ticked, and what came of it.

Messages leave in the order in which `send` is called. After one that did not leave, those
handed over behind it are not begun: the caller decides whether they may overtake it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from connector.delivery.attempts import Attempts
from connector.delivery.line import Line
from connector.delivery.prepared import (
    Prepared,
    PreparedMessage,
    PreparedReads,
    PreparedTyping,
)
from connector.domain import outgoing
from connector.domain.addresses import Jid
from connector.domain.outgoing import (
    OutboxResult,
    Outcome,
    OutgoingRead,
    Pauses,
    Typing,
)
from connector.errors import NotConnected, SendFailed, SendUncertain, WorkerGone
from connector.ports import ClaimedRow, Clock, SessionContext, UnsettledRow

log = structlog.get_logger()


class Sending:
    """One session's."""

    def __init__(
        self,
        context: SessionContext,
        attempts: Attempts,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.failed = False  # nothing is begun until what is under way has ended
        self._context = context
        self._attempts = attempts
        self._clock = clock
        self._chance = chance
        self._pauses = Pauses()
        self._to_end: set[asyncio.Task[None]] = set()

    async def send(
        self, line: Line, row: ClaimedRow, prepared: PreparedMessage
    ) -> OutboxResult | None:
        """None: not begun, because one before it had failed when it was its turn."""
        if self.failed:
            return None
        secret = self._attempts.secret(row.id, row.claim)
        try:
            sent = await line.worker.send(
                prepared.to,
                prepared.message,
                secret,
                begin_by=self._context.trusted_until,
            )
        except (SendUncertain, WorkerGone) as error:
            line.lost = line.lost or isinstance(error, WorkerGone)
            return await self._cut_off(row, is_first=self._fail())
        except NotConnected:
            if not self._fail():
                return None
            line.lost = True
            return OutboxResult(id=row.id, outcome=Outcome.RELEASED)
        except SendFailed as error:
            self._fail()
            return self._refused(row, error)
        except Exception:  # supervised: one row must not end the sending of all others
            log.exception("row not sent", outbox_id=row.id)
            return await self._cut_off(row, is_first=self._fail())
        return OutboxResult(
            id=row.id,
            outcome=Outcome.SENT,
            whatsapp_id=sent.whatsapp_id,
            sent_at=sent.at,
        )

    async def act(
        self, line: Line, row: ClaimedRow, prepared: Prepared
    ) -> OutboxResult | None:
        """What is no message, or comes before one; None: now its message may leave.

        Repeated after a crash, all of this is harmless: it needs no secret.
        """
        try:
            match prepared:
                case PreparedMessage():
                    await self._type(line, prepared)
                    return None
                case PreparedReads():
                    for one in prepared.reads:
                        await self._tick(line, one)
                case PreparedTyping():
                    await self._show(line, prepared.chat, prepared.typing)
                    self._end_later(line, prepared)
        except WorkerGone:
            return outgoing.outcome_of_vanished(row.id, row.attempts)
        except SendFailed as error:
            return self._refused(row, error)
        except Exception:  # supervised, as above
            log.exception("row not done", outbox_id=row.id)
            return self._refused(row, SendFailed("It could not be done: report it."))
        return OutboxResult(id=row.id, outcome=Outcome.SENT)

    def stop(self) -> None:
        """Let what is shown as typing be: WhatsApp takes it away by itself."""
        for task in self._to_end:
            task.cancel()

    async def _type(self, line: Line, prepared: PreparedMessage) -> None:
        try:
            await self._show(line, prepared.to, prepared.typing)
        except (NotConnected, WorkerGone):
            raise
        except SendFailed:
            return  # a message is not late for want of its dots
        await self._clock.sleep(prepared.typing_for.total_seconds())

    async def _tick(self, line: Line, read: OutgoingRead) -> None:
        await line.ask(lambda worker: worker.mark_read(read))

    async def _show(self, line: Line, chat: Jid, typing: Typing) -> None:
        await line.ask(lambda worker: worker.show_typing(chat, typing))

    def _end_later(self, line: Line, prepared: PreparedTyping) -> None:
        if prepared.typing is not Typing.PAUSED:
            task = asyncio.create_task(self._end(line, prepared.chat, prepared.lasting))
            self._to_end.add(task)
            task.add_done_callback(self._to_end.discard)

    async def _end(self, line: Line, chat: Jid, after: timedelta) -> None:
        await self._clock.sleep(after.total_seconds())
        with contextlib.suppress(SendFailed, WorkerGone):
            await self._show(line, chat, Typing.PAUSED)

    def _fail(self) -> bool:
        """Whether this is the first failure of those under way."""
        is_first, self.failed = not self.failed, True
        return is_first

    def _refused(self, row: ClaimedRow, error: SendFailed) -> OutboxResult:
        now = self._clock.monotonic()
        result = outgoing.outcome_of_failure(
            row.id, row.attempts, error, self._chance(), self._pauses.counts(now)
        )
        if result.pause is not None:
            self._pauses = self._pauses.and_one(result.pause.scope, now)
        return result

    async def _cut_off(self, row: ClaimedRow, *, is_first: bool) -> OutboxResult:
        settled = await self._attempts.settle(
            UnsettledRow(
                id=row.id,
                claim=row.claim,
                lineage=self._attempts.lineage,
                term=self._context.term,
            )
        )
        # Whoever only waited behind another did not break the worker.
        if settled.outcome is Outcome.RELEASED and is_first:
            return outgoing.outcome_of_vanished(row.id, row.attempts)
        return settled
