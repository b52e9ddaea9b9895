"""Throws away what is past its time: one task a connector (docs/housekeeping.md).

    rows      by wa_housekeeping, a batch at a time; of many connectors one at a time
    folders   of sessions that were deleted in Supabase, which this machine once ran; what
              they hold that was never stored is set aside for a week
    files     in Storage that no row names any more

Nothing waits for it and nothing depends on when it runs. Killed anywhere, the next round
finds what is left: a batch is one transaction, a file that was named and not removed is
named again a day later, a folder is moved out of the way before it is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from connector.domain.retry import ever_later
from connector.ports import Clock, FileStore, SessionId
from connector.ports.housekeeping import (
    Discarded,
    HousekeepingStore,
    KnownSessions,
    SessionFolders,
)

FIRST_AFTER: Final = timedelta(minutes=5)  # a start has more urgent things to do
EVERY: Final = timedelta(hours=1)
FIRST_RETRY: Final = timedelta(minutes=1)
BETWEEN_BATCHES: Final = timedelta(seconds=0.25)  # live traffic first
BATCH: Final = 500  # rows or files looked at
MOST_BATCHES: Final = 5000  # a round; what is left is the next round's
FILES_AT_ONCE: Final = 100
SESSIONS_AT_ONCE: Final = 500
ORPHANS_KEPT: Final = timedelta(days=7)

_Thing = TypeVar("_Thing")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Housekeeping:
    store: HousekeepingStore
    files: FileStore
    folders: SessionFolders
    clock: Clock
    chance: Callable[[], float]

    async def run(self) -> None:
        """A round every hour; ends only by cancellation."""
        # At a time of its own: connectors that started together do not meet each hour.
        await self._sleep(FIRST_AFTER * (1 + self.chance()))
        failures = 0
        while True:
            failures = 0 if await self._succeeds() else failures + 1
            if failures:
                await self._sleep(
                    ever_later(FIRST_RETRY, failures, self.chance(), EVERY)
                )
            else:
                await self._sleep(EVERY * (0.9 + 0.2 * self.chance()))

    async def _succeeds(self) -> bool:
        try:
            await self.tidy_up()
        except Exception as error:  # noqa: BLE001 - rubbish may wait, sessions may not end
            log.warning("housekeeping waits", error=error)
            return False
        return True

    async def tidy_up(self) -> None:
        """One round. Raises SupabaseUnavailable, SupabaseRefused, OSError."""
        await self._rows()
        await self._left_folders()
        await self._orphaned_folders()
        await self._orphaned_files()

    async def _rows(self) -> None:
        count = 0
        for _ in range(MOST_BATCHES):
            tidied = await self.store.tidy(BATCH)
            count += sum(tidied.done.values())
            if not tidied.more:
                break
            await self._sleep(BETWEEN_BATCHES)
        if count:
            log.info("old rows thrown away", count=count)

    async def _orphaned_files(self) -> None:
        count = 0
        for _ in range(MOST_BATCHES):
            orphaned = await self.store.orphaned_files(BATCH)
            # At once: what nothing names now, something may name tomorrow.
            for paths in _batches(orphaned.paths, FILES_AT_ONCE):
                await self.files.remove(paths)
                count += len(paths)
            if not orphaned.more:
                break
            await self._sleep(BETWEEN_BATCHES)
        if count:
            log.info("files that nothing names removed", count=count)

    async def _left_folders(self) -> None:
        for session_ids in _batches(await self.folders.found(), SESSIONS_AT_ONCE):
            known = await self.store.known_sessions(session_ids)
            for session_id in session_ids:
                await self._judge(session_id, known)

    async def _judge(self, session_id: SessionId, there: KnownSessions) -> None:
        seen_in = await self.folders.project_of(session_id)
        if session_id in there.known:
            if seen_in != there.project:
                await self.folders.seen_in(session_id, there.project)
            return
        # Whoever points the connector at another project has deleted nothing.
        if seen_in != there.project:
            return
        match await self.folders.discard(session_id):
            case Discarded.GONE:
                log.info("folder of a deleted session removed", session_id=session_id)
            case Discarded.SET_ASIDE:
                # Its members deleted it: what waits has no home any more.
                log.warning(
                    "folder of a deleted session set aside", session_id=session_id
                )
            case left:
                log.warning(
                    "folder of a deleted session stays",
                    session_id=session_id,
                    reason=left.value,
                )

    async def _orphaned_folders(self) -> None:
        orphaned = await self.folders.orphaned()
        for session_ids in _batches(tuple(orphaned), SESSIONS_AT_ONCE):
            known = (await self.store.known_sessions(session_ids)).known
            for session_id in session_ids:
                if session_id in known:
                    await self.folders.give_back(session_id)
                    log.warning("folder of a session is back", session_id=session_id)
                elif self.clock.now() - orphaned[session_id] > ORPHANS_KEPT:
                    count = await self.folders.remove_orphan(session_id)
                    log.warning(
                        "events of a deleted session removed",
                        session_id=session_id,
                        count=count,
                    )

    async def _sleep(self, time: timedelta) -> None:
        await self.clock.sleep(time.total_seconds())


def _batches(things: Sequence[_Thing], size: int) -> list[Sequence[_Thing]]:
    return [things[start : start + size] for start in range(0, len(things), size)]
