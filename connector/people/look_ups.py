"""Asks WhatsApp about groups and pictures: what is due, one question at a time.

What is due is the rows' matter (`wa_next_lookups`): each question is handed out once, and
again after a while when no answer was stored. So dying on any line costs a delay and
nothing else, and an answer that settles nothing is not asked for in circles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.chats import Aspect, ChatColumn, ChatUpdate, Stale
from connector.domain.incoming import Incoming
from connector.domain.look_ups import Pace
from connector.domain.messages import Chat, ChatKind, Message
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import (
    ConnectorError,
    FetchFailed,
    InputRefused,
    LookupRefusal,
    LookupRefused,
    NotConnected,
    SupabaseRefused,
    SupabaseUnavailable,
    WorkerGone,
)
from connector.people.pictures import Pictures
from connector.ports import (
    Clock,
    DueLookup,
    Intake,
    PeopleStore,
    SessionContext,
    SessionId,
    Worker,
)

LOOK_ANYWAY: Final = timedelta(seconds=30)
AT_ONCE: Final = 10  # taken from Postgres; what comes up meanwhile waits for them
RECONNECT_PAUSE: Final = 5.0
MOST_KNOWN: Final = 10_000
_NOT_OURS: Final = frozenset({LookupRefusal.NOT_FOUND, LookupRefusal.FORBIDDEN})

log = structlog.get_logger()


@dataclass(slots=True)
class _Bell:
    """Rung when something was stored that may have to be asked for."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    known: set[object] = field(default_factory=set)

    def hear(self, incoming: Sequence[Incoming]) -> None:
        for item in incoming:
            if isinstance(item, Stale):
                self.rung.set()
            elif isinstance(item, Message) and item.chat.jid not in self.known:
                if len(self.known) >= MOST_KNOWN:
                    self.known.clear()
                self.known.add(item.chat.jid)
                self.rung.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUps:
    """Keeps groups and pictures as WhatsApp has them; one `run` a session."""

    people: PeopleStore
    intake: Intake
    pictures: Pictures
    clock: Clock
    chance: Callable[[], float]
    _bells: dict[SessionId, _Bell] = field(default_factory=dict)

    def heard(self, session_id: SessionId, incoming: Sequence[Incoming]) -> None:
        """Take note of what was stored: what is new is asked for at once."""
        if (bell := self._bells.get(session_id)) is not None:
            bell.hear(incoming)

    async def run(self, context: SessionContext) -> None:
        bell = self._bells[context.session_id] = _Bell()
        try:
            await _Asking(self, context, bell.rung).go_on()
        finally:
            del self._bells[context.session_id]


class _Asking:
    """One session's questions."""

    def __init__(
        self, look_ups: LookUps, context: SessionContext, rung: asyncio.Event
    ) -> None:
        self._look_ups = look_ups
        self._clock = look_ups.clock
        self._context = context
        self._rung = rung
        self._pace = Pace()
        self._due: list[DueLookup] = []  # handed out, to be asked by us
        self._failures = 0

    async def go_on(self) -> None:
        while True:
            worker = await self._context.until_connected()
            self._rung.clear()
            try:
                await self._ask_all(worker)
                self._failures = 0
            except SupabaseUnavailable:
                await self._back_off()
            except SupabaseRefused as error:
                self._drop_first(error)
                await self._back_off()
            except (NotConnected, WorkerGone):
                await self._clock.sleep(RECONNECT_PAUSE)
            else:
                if not self._due:
                    await self._until_rung()

    def _drop_first(self, error: ConnectorError) -> None:
        """Perhaps it is this answer only: let the others have their turn."""
        if self._due:  # else we were told of none, which others say, once for all
            session_id = self._context.session_id
            log.warning("answer not kept", session_id=session_id, error=error)
            del self._due[0]

    async def _ask_all(self, worker: Worker) -> None:
        """Ask until nothing is due, or the connection is lost."""
        while self._due or await self._take():
            if self._context.worker() is not worker:
                return
            refusal = await self._ask(worker, self._due[0])
            del self._due[0]
            await self._rest(refusal)

    async def _take(self) -> bool:
        self._due.extend(
            await self._look_ups.people.due(
                self._context.session_id, self._context.term, AT_ONCE
            )
        )
        return bool(self._due)

    async def _ask(self, worker: Worker, due: DueLookup) -> LookupRefusal | None:
        """Ask one question and store the answer; the reason when there is none."""
        try:
            if due.aspect is Aspect.GROUP:
                await self._ask_group(worker, due)
            else:
                await self._look_ups.pictures.refresh(worker, self._context, due)
        except (LookupRefused, FetchFailed, InputRefused) as error:
            log.warning(
                "look-up failed",
                session_id=self._context.session_id,
                aspect=due.aspect,
                error=error,
            )
            return error.reason if isinstance(error, LookupRefused) else None
        return None

    async def _ask_group(self, worker: Worker, due: DueLookup) -> None:
        try:
            answer = await worker.group_info(due.jid)
        except LookupRefused as refusal:
            if refusal.reason not in _NOT_OURS:
                raise
            gone = ChatUpdate(
                chat=Chat(jid=due.jid, kind=ChatKind.GROUP),
                as_of=self._clock.now(),
                columns={ChatColumn.LEFT: True},
            )
            await self._store(gone)
        else:
            await self._store(answer.update, answer.roster)

    async def _store(self, *items: Incoming) -> None:
        await self._look_ups.intake.store(
            self._context.session_id, self._context.term, items
        )

    async def _rest(self, refusal: LookupRefusal | None) -> None:
        if refusal is None:
            self._pace, pause = self._pace.after_answer()
        else:
            self._pace, pause = self._pace.after_refusal(refusal)
        jitter = 0.5 + self._look_ups.chance()
        await self._clock.sleep(pause.total_seconds() * jitter)

    async def _back_off(self) -> None:
        self._failures += 1
        delay = back_off(self._failures, self._look_ups.chance(), LONGEST_FOR_SUPABASE)
        await self._clock.sleep(max(delay.total_seconds(), 1.0))

    async def _until_rung(self) -> None:
        seconds = LOOK_ANYWAY.total_seconds()
        ringing = asyncio.ensure_future(self._rung.wait())
        waiting = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({ringing, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
            waiting.cancel()
