"""Whom numbers belong to: asked by whoever needs it, at one pace for each linked number.

Checks that apps queue and the question before a first message go through here, so that
together they never look like a search. What WhatsApp said is told to Postgres, which
remembers it for a week: first who it is (the contact), then that it was asked. Dying in
between, it is asked once more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Final

import structlog

from connector.domain.addresses import PHONE_SERVER, Jid
from connector.domain.chats import Profile
from connector.domain.look_ups import GAP, NumberAnswer, Pace
from connector.domain.messages import Person
from connector.errors import (
    ConnectorError,
    LookupRefusal,
    LookupRefused,
    SupabaseRefused,
)
from connector.ports import (
    Clock,
    Intake,
    NumberStore,
    SessionContext,
    SessionId,
    Worker,
)

MOST_AT_ONCE: Final = 50  # in one question
# Rows claimed together were claimed before the first of them was answered for.
REMEMBERED_FOR: Final = timedelta(minutes=10)
MOST_REMEMBERED: Final = 1_000
# A gap between two questions is waited for, a pause after a refusal is not.
LONGEST_GAP: Final = GAP.total_seconds() * 2

log = structlog.get_logger()


@dataclass(slots=True)
class _Asked:
    """What one session asked; lives as long as the process, like WhatsApp's memory."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # waiting for it is fair
    # Those who were answered for together tell it once.
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: list[Sequence[str]] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    refusal: LookupRefusal = LookupRefusal.FAILED  # why it pauses, if it does
    not_before: float = float("-inf")
    untold: dict[str, NumberAnswer] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    recent: OrderedDict[str, tuple[float, NumberAnswer]] = field(
        default_factory=OrderedDict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedNumbers:
    """Implements Numbers."""

    store: NumberStore
    intake: Intake
    clock: Clock
    chance: Callable[[], float]
    _sessions: dict[SessionId, _Asked] = field(default_factory=dict)

    async def ask(
        self, context: SessionContext, worker: Worker, numbers: Sequence[str]
    ) -> Sequence[NumberAnswer]:
        asked = self._asked(context)
        asked.waiting.append(numbers)
        try:
            async with asked.turn:
                if self._missing(asked, numbers):
                    await self._until_due(context, asked)
                    # Whoever waits for a turn as well: one question instead of many.
                    wanted = chain(numbers, *asked.waiting)
                    question = self._missing(asked, wanted)[:MOST_AT_ONCE]
                    await self._put(context, asked, worker, question)
        finally:
            asked.waiting.remove(numbers)
        await self._tell_or_keep(context)
        found = (self._recent(asked, one) for one in numbers)
        return [answer for answer in found if answer is not None]

    def paused_for(self, context: SessionContext) -> float:
        """How many seconds nothing is asked, as far as this process knows."""
        left = self._asked(context).not_before - self.clock.monotonic()
        return max(left, 0.0)

    async def tell(self, context: SessionContext) -> None:
        """Store what was learned. Raises SupabaseUnavailable, LeaseLost."""
        asked = self._asked(context)
        async with asked.telling:
            await self._tell(context, asked)

    async def _tell(self, context: SessionContext, asked: _Asked) -> None:
        answers, unanswered = list(asked.untold.values()), list(asked.unanswered)
        if not answers and not unanswered:
            return
        session_id, term = context.session_id, context.term
        # What is refused is not kept: it would hold up the others.
        with _noting_refusal(session_id):
            if answers:
                await self.intake.store(session_id, term, list(map(_profile, answers)))
        with _noting_refusal(session_id):
            await self.store.record_numbers(session_id, term, answers, unanswered)
        for answer in answers:
            asked.untold.pop(answer.asked, None)
        asked.unanswered.difference_update(unanswered)

    async def _until_due(self, context: SessionContext, asked: _Asked) -> None:
        wait = self.paused_for(context)
        if wait > LONGEST_GAP:
            raise LookupRefused(asked.refusal)
        if wait:
            await self.clock.sleep(wait)

    async def _put(
        self,
        context: SessionContext,
        asked: _Asked,
        worker: Worker,
        numbers: Sequence[str],
    ) -> None:
        try:
            answers = await worker.look_up(numbers)
        except LookupRefused as refusal:
            asked.refusal = refusal.reason
            asked.pace, pause = asked.pace.after_refusal(refusal.reason)
            await self._pause(context, asked, pause)
            raise
        asked.pace, gap = asked.pace.after_answer()
        self._wait(asked, gap)
        now = self.clock.monotonic()
        for answer in answers:
            asked.untold[answer.asked] = answer
            asked.recent[answer.asked] = now, answer
        asked.unanswered.update(set(numbers).difference(one.asked for one in answers))
        while len(asked.recent) > MOST_REMEMBERED:
            asked.recent.popitem(last=False)

    def _wait(self, asked: _Asked, pause: timedelta) -> timedelta:
        jittered = pause * (0.5 + self.chance())
        asked.not_before = self.clock.monotonic() + jittered.total_seconds()
        return jittered

    async def _pause(
        self, context: SessionContext, asked: _Asked, pause: timedelta
    ) -> None:
        """Ask nothing for a while, also after a restart or on another machine."""
        pause = self._wait(asked, pause)
        log.warning(
            "numbers not looked up",
            session_id=context.session_id,
            reason=asked.refusal,
            seconds=round(pause.total_seconds()),
        )
        try:
            await self.store.pause_numbers(context.session_id, context.term, pause)
        except ConnectorError as error:
            log.warning("pause not kept", session_id=context.session_id, error=error)

    async def _tell_or_keep(self, context: SessionContext) -> None:
        """What cannot be stored now is stored with what is learned next."""
        try:
            await self.tell(context)
        except ConnectorError as error:
            log.warning("answers kept", session_id=context.session_id, error=error)

    def _missing(self, asked: _Asked, numbers: Iterable[str]) -> list[str]:
        """Whom nothing was said about just now, each once."""
        return [
            one for one in dict.fromkeys(numbers) if self._recent(asked, one) is None
        ]

    def _recent(self, asked: _Asked, number: str) -> NumberAnswer | None:
        at, answer = asked.recent.get(number, (float("-inf"), None))
        too_old = self.clock.monotonic() - at > REMEMBERED_FOR.total_seconds()
        return None if too_old else answer

    def _asked(self, context: SessionContext) -> _Asked:
        return self._sessions.setdefault(context.session_id, _Asked())


@contextlib.contextmanager
def _noting_refusal(session_id: SessionId) -> Iterator[None]:
    try:
        yield
    except SupabaseRefused as error:
        log.warning("answers not kept", session_id=session_id, error=error)


def _profile(answer: NumberAnswer) -> Profile:
    written, person = Jid(answer.asked, PHONE_SERVER), answer.person
    if person is None:
        return Profile(person=Person(phone=written), on_whatsapp=False)
    return Profile(
        person=person,
        business_name=answer.business_name,
        on_whatsapp=True,
        spelling=None if person.phone in (None, written) else written,
    )
