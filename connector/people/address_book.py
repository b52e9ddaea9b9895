"""Contacts and chat settings of the phone's owner, kept as the phone has them.

They come through the session's store (ports.SavedState). What was told is remembered in
memory only: after a start all of it is told once more, which changes nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.domain.saved import News, Saved, is_worth_reading, news
from connector.errors import InputRefused, SupabaseRefused, SupabaseUnavailable
from connector.ports import (
    Clock,
    Intake,
    SavedState,
    SessionContext,
    SessionId,
    SessionReport,
    SessionStore,
)

LARGEST_BATCH: Final = 500
LOOK_SECONDS: Final = 2.0
# Ten thousand contacts take 0.2 s to read: not every two seconds while they arrive.
SHARE_OF_TIME: Final = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBook:
    """Tells what the phone's owner saved and set; one `run` a session."""

    saved_state: Callable[[SessionId], SavedState]
    intake: Intake
    sessions: SessionStore
    clock: Clock
    chance: Callable[[], float]

    async def run(self, context: SessionContext) -> None:
        watch = _Watch(self, context)
        failures = 0
        while True:
            await context.until_connected()
            try:
                await watch.look()
                failures = 0
            except (SupabaseUnavailable, SupabaseRefused):
                failures += 1
                delay = back_off(failures, self.chance(), LONGEST_FOR_SUPABASE)
                await self.clock.sleep(delay.total_seconds())
            await self.clock.sleep(LOOK_SECONDS)


class _Watch:
    def __init__(self, book: AddressBook, context: SessionContext) -> None:
        self._book = book
        self._context = context
        self._state = book.saved_state(context.session_id)
        self._owner: str | None = None
        self._push_name: str | None = None
        self._told: dict[str, int] = {}
        self._pulse: object = None
        self._version: str | None = None
        self._unread = False
        self._not_before = float("-inf")
        self._changed_at = self._read_at = float("-inf")

    async def look(self) -> None:
        """Read what was written, when it may be news, and tell it."""
        pulse = self._state.pulse()
        if pulse != self._pulse:
            self._unread = True
            self._pulse = pulse
            await self._follow_version()
        now = self._book.clock.monotonic()
        if (
            self._unread
            and now >= self._not_before
            and is_worth_reading(now, self._changed_at, self._read_at)
        ):
            saved = await self._state.saved()
            took = self._book.clock.monotonic() - now
            self._not_before = now + took * SHARE_OF_TIME
            if saved is None:
                return  # busy, or unlinked just now: looked at again
            await self._tell(saved)
            self._unread = False
            self._read_at = now

    async def _follow_version(self) -> None:
        version = await self._state.version()
        if version != self._version:
            self._version = version
            self._changed_at = self._book.clock.monotonic()

    async def _tell(self, saved: Saved) -> None:
        if saved.owner != self._owner:
            self._owner = saved.owner
            self._push_name = None
            self._told.clear()
        await self._tell_push_name(saved.push_name)
        found = news(saved, dict(self._told), self._book.clock.now())
        while batch := tuple(itertools.islice(found, LARGEST_BATCH)):
            await self._store(batch)
            for key, mark, _ in batch:
                if mark is None:
                    self._told.pop(key, None)
                else:
                    self._told[key] = mark

    async def _tell_push_name(self, name: str | None) -> None:
        """WhatsApp tells it only after the linking, so no login brings it at first."""
        if name is None or name == self._push_name:
            return
        report = SessionReport(columns={"push_name": name})
        await self._book.sessions.report(
            self._context.session_id, self._context.term, report
        )
        self._push_name = name

    async def _store(self, batch: tuple[News, ...]) -> None:
        """What Postgres refuses is left out, and costs nobody else their name."""
        session_id, term = self._context.session_id, self._context.term
        try:
            await self._book.intake.store(
                session_id, term, [item for *_, item in batch]
            )
        except InputRefused as error:
            if len(batch) == 1:
                log.warning("contact refused", session_id=session_id, error=error)
                return
            half = len(batch) // 2
            await self._store(batch[:half])
            await self._store(batch[half:])
