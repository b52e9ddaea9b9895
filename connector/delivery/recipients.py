"""Whom a phone number belongs to, asked once before the first message to it.

WhatsApp may know a number in another spelling (Brazil's ninth digit), and only WhatsApp
knows which. The question comes before the attempt begins: a row that is interrupted here
was not begun. Nobody is asked about who is known already, and no answer at all is no
reason not to send: whatsmeow asks once more, in its own way.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import structlog

from connector.domain.addresses import PHONE_SERVER, Jid
from connector.domain.chats import Profile
from connector.domain.look_ups import NumberAnswer, Pace
from connector.domain.messages import Person
from connector.errors import (
    ConnectorError,
    LookupRefused,
    NotConnected,
    RecipientUnknown,
)
from connector.ports import Clock, DeviceStore, Intake, SessionContext, Worker

MOST_REMEMBERED: Final = 10_000
# Somebody may join any day; asking for each message would look like a search for numbers.
FORGET_STRANGERS_AFTER: Final = 3_600.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    address: Jid | None  # None: not on WhatsApp
    asked_at: float


class Recipients:
    """One session's; remembers what it asked."""

    def __init__(
        self,
        context: SessionContext,
        store: DeviceStore,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._context = context
        self._store = store
        self._intake = intake
        self._clock = clock
        self._known: OrderedDict[Jid, _Known] = OrderedDict()
        self._untold: list[Profile] = []
        self._pace = Pace()
        self._not_before = float("-inf")

    async def find(self, worker: Worker, to: Jid) -> Jid:
        """Where to send. Raises RecipientUnknown, WorkerGone."""
        await self._tell()
        if to.server != PHONE_SERVER:
            return to
        if (known := self._remembered(to)) is None:
            known = await self._learn(worker, to)
        if known.address is None:
            raise RecipientUnknown
        return known.address

    def _remembered(self, to: Jid) -> _Known | None:
        known = self._known.get(to)
        if known is None or known.address is not None:
            return known
        age = self._clock.monotonic() - known.asked_at
        return known if age < FORGET_STRANGERS_AFTER else None

    async def _learn(self, worker: Worker, to: Jid) -> _Known:
        now = self._clock.monotonic()
        if await self._store.is_known(to):
            return self._remember(to, _Known(to, now))
        answer = None if now < self._not_before else await self._ask(worker, to)
        if answer is None:
            return _Known(to, now)
        person = answer.person
        self._untold.append(_profile(to, person))
        await self._tell()
        address = None if person is None else person.phone or person.jid
        return self._remember(to, _Known(address, now))

    async def _ask(self, worker: Worker, to: Jid) -> NumberAnswer | None:
        """WhatsApp's answer, if it gives one; when it does not, ask nothing for a while."""
        try:
            answers = await worker.look_up([to.user])
        except NotConnected:
            return None
        except LookupRefused as refusal:
            log.warning(
                "recipient not looked up",
                session_id=self._context.session_id,
                error=refusal,
            )
            self._pace, pause = self._pace.after_refusal(refusal.reason)
            self._not_before = self._clock.monotonic() + pause.total_seconds()
            return None
        self._pace = Pace()
        return answers[0] if answers else None

    def _remember(self, to: Jid, known: _Known) -> _Known:
        self._known[to] = known
        self._known.move_to_end(to)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return known

    async def _tell(self) -> None:
        """Store what was learned; what cannot be stored now is told with the next one."""
        if not self._untold:
            return
        try:
            await self._intake.store(
                self._context.session_id, self._context.term, self._untold
            )
        except ConnectorError as error:
            log.warning(
                "recipient not recorded",
                session_id=self._context.session_id,
                error=error,
            )
            del self._untold[:-MOST_REMEMBERED]
        else:
            self._untold.clear()


def _profile(to: Jid, person: Person | None) -> Profile:
    if person is None:
        return Profile(person=Person(phone=to), on_whatsapp=False)
    other = None if person.phone in (None, to) else to
    return Profile(person=person, on_whatsapp=True, spelling=other)
