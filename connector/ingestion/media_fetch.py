"""From WhatsApp's media servers to Storage: the files of a session's messages.

    claim -> on our disk -> proven -> uploaded -> recorded -> gone from our disk

The row says `pending` until the file is in Storage, whole. What fails is tried again
after a while, at most so often (domain/media.py). Two files of a session at once, four
of all sessions; nothing here waits for ingestion, nor ingestion for this.

    killed while downloading:          the download goes on where it stopped
    killed after it, or in mid-upload: proven again from our disk, uploaded again
    killed after the upload:           uploaded over itself, under the same path
    killed after recording it:         the leftover on our disk is swept in time
    Storage away:                      the files in hand wait on our disk; rows say so
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from connector.domain import media
from connector.domain.incoming import Incoming
from connector.domain.media import FileResult, FileState
from connector.domain.messages import Message
from connector.domain.retry import LONGEST_FOR_SUPABASE, back_off
from connector.errors import (
    ConnectorError,
    FetchFailed,
    InputRefused,
    SupabaseRefused,
    SupabaseUnavailable,
)
from connector.ports import (
    ClaimedFile,
    Clock,
    FetchedFile,
    FileQueue,
    FileStore,
    Intake,
    MediaSource,
    SessionContext,
    SessionId,
)

AT_ONCE_A_SESSION: Final = 2
AT_ONCE: Final = 4
CLAIMED_AT_ONCE: Final = 4  # two wait, so that no round trip is waited for
# Longer than any transfer takes. A claim of an ended run binds nobody: its term is over.
CLAIM_LEASE: Final = timedelta(minutes=30)
# Stored messages wake the lane; this finds what is to be tried again.
LOOK_ANYWAY: Final = timedelta(seconds=30)
UPLOADS_IN_A_ROW: Final = 20  # two to three minutes, then the next file has a chance
SAID_AFTER: Final = 3  # of them; seconds, and a hiccup is not worth a word
SWEEP_EVERY: Final = 3600.0
LAST_WORD: Final = timedelta(seconds=1)

Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class MediaFetching:
    """Fetches what ingestion stored the rows of; one `run` a session."""

    source: MediaSource
    store: FileStore
    queue: FileQueue
    clock: Clock
    chance: Callable[[], float] = random.random  # jitter
    at_once: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(AT_ONCE)
    )
    _woken: dict[SessionId, asyncio.Event] = field(default_factory=dict)
    _swept_at: float | None = None

    async def run(self, context: SessionContext) -> None:
        woken = self._woken[context.session_id] = asyncio.Event()
        lane = _Lane(self, context, woken)
        try:
            await self._sweep()
            await lane.work()
        finally:
            self._woken.pop(context.session_id, None)
            await lane.put_down()

    def wake(self, session_id: SessionId) -> None:
        """Say that there may be something to fetch."""
        if (woken := self._woken.get(session_id)) is not None:
            woken.set()

    async def _sweep(self) -> None:
        now = self.clock.monotonic()
        if self._swept_at is None or now - self._swept_at > SWEEP_EVERY:
            self._swept_at = now
            await self.source.sweep()


@dataclass(frozen=True, slots=True)
class WakingIntake:
    """Implements Intake: stores, and wakes who fetches the files of what was stored."""

    intake: Intake
    wake: Callable[[SessionId], None]

    async def store(
        self, session_id: SessionId, term: int, incoming: Sequence[Incoming]
    ) -> None:
        await self.intake.store(session_id, term, incoming)
        if any(isinstance(one, Message) and one.attachment for one in incoming):
            self.wake(session_id)

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        return await self.intake.end_stalled_history(session_id, term, after)


class _Lane:
    """One session's files."""

    def __init__(
        self, fetching: MediaFetching, context: SessionContext, woken: asyncio.Event
    ) -> None:
        self._fetching = fetching
        self._context = context
        self._woken = woken
        self._slots = asyncio.Semaphore(AT_ONCE_A_SESSION)
        self._transfers: dict[asyncio.Task[FileResult], ClaimedFile] = {}
        self._unrecorded: list[FileResult] = []
        self._look_in = LOOK_ANYWAY

    async def work(self) -> None:
        while True:
            self._woken.clear()
            self._collect()
            await self._begin()  # first, so that files move while others are recorded
            await self._record()
            await self._until_something_happens()

    async def put_down(self) -> None:
        """Give back what is not done: the next connector need not wait for it."""
        for task in self._transfers:
            task.cancel()
        await asyncio.gather(*self._transfers, return_exceptions=True)
        given_back = [
            task.result()
            if not task.cancelled() and task.exception() is None
            else media.unbegun(claimed.id)
            for task, claimed in self._transfers.items()
        ]
        results = (*self._unrecorded, *given_back)
        if results:
            with contextlib.suppress(ConnectorError, TimeoutError):
                async with asyncio.timeout(LAST_WORD.total_seconds()):
                    await self._finish(results)

    async def _begin(self) -> None:
        free = CLAIMED_AT_ONCE - len(self._transfers)
        if not free or not await self._fetching.source.has_room():
            return
        in_hand = {
            *(claimed.id for claimed in self._transfers.values()),
            *(result.id for result in self._unrecorded),
        }
        for claimed in await self._insist(lambda: self._claim(free)):
            if claimed.id not in in_hand:
                transfer = asyncio.create_task(self._transferred(claimed))
                self._transfers[transfer] = claimed

    async def _claim(self, limit: int) -> Sequence[ClaimedFile]:
        context = self._context
        return await self._fetching.queue.claim(
            context.session_id, context.term, limit, CLAIM_LEASE
        )

    async def _until_something_happens(self) -> None:
        clock = self._fetching.clock
        alarms = [
            asyncio.create_task(self._woken.wait()),
            asyncio.create_task(clock.sleep(self._look_in.total_seconds())),
        ]
        try:
            await asyncio.wait(
                {*self._transfers, *alarms}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for alarm in alarms:
                alarm.cancel()

    def _collect(self) -> None:
        for task in [task for task in self._transfers if task.done()]:
            self._unrecorded.append(task.result())
            del self._transfers[task]

    async def _record(self) -> None:
        results = tuple(self._unrecorded)
        if results:
            await self._insist(lambda: self._finish(results))
            self._unrecorded.clear()
        again = [one.retry_after for one in results if one.retry_after is not None]
        self._look_in = min([LOOK_ANYWAY, *again])

    async def _finish(self, results: Sequence[FileResult]) -> None:
        context = self._context
        await self._fetching.queue.finish(context.session_id, context.term, results)
        for result in results:
            if result.state is not FileState.PENDING:
                await self._fetching.source.forget(context.session_id, result.id)

    # --- one file --------------------------------------------------------------------

    async def _transferred(self, claimed: ClaimedFile) -> FileResult:
        fetching, session_id = self._fetching, self._context.session_id
        async with self._slots, fetching.at_once:
            try:
                async with fetching.source.fetched(session_id, claimed) as file:
                    result = await self._uploaded(claimed, file)
            except FetchFailed as error:
                result = self._failed(claimed, error)
            except Exception:
                # Whatever one file does to us, the others have their turn.
                log.exception("fetching a file failed", session_id=session_id)
                result = self._failed(claimed, FetchFailed())
        if result.state is not FileState.STORED:
            log.info(
                "file not stored",
                session_id=session_id,
                state=result.state,
                code=result.error_code,
                attempts=claimed.attempts,
            )
        return result

    def _failed(self, claimed: ClaimedFile, error: FetchFailed) -> FileResult:
        return media.outcome_of_failed_fetch(
            claimed.id, claimed.attempts, error, self._fetching.chance()
        )

    async def _uploaded(self, claimed: ClaimedFile, file: FetchedFile) -> FileResult:
        path = media.storage_path(
            workspace_id=claimed.workspace_id,
            session_id=self._context.session_id,
            sent_at=claimed.sent_at,
            attachment_id=claimed.id,
            mime_type=file.mime_type,
        )
        for failures in range(1, UPLOADS_IN_A_ROW + 1):
            try:
                await self._put(path, file)
            except InputRefused:
                return media.outcome_of_refused_upload(claimed.id)
            except (SupabaseUnavailable, SupabaseRefused):
                if failures == SAID_AFTER:
                    await self._say_why(claimed)
                await self._back_off(failures)
                continue
            return FileResult(
                id=claimed.id,
                state=FileState.STORED,
                storage_path=path,
                mime_type=file.mime_type,
                size_bytes=file.size,
                sha256=file.sha256,
            )
        return media.outcome_of_failed_upload(
            claimed.id, claimed.attempts, self._fetching.chance()
        )

    async def _say_why(self, claimed: ClaimedFile) -> None:
        with contextlib.suppress(ConnectorError):
            await self._finish([media.still_uploading(claimed.id)])

    async def _put(self, path: str, file: FetchedFile) -> None:
        await self._fetching.store.put(
            path,
            file.content(),
            size=file.size,
            content_type=media.content_type(file.mime_type),
        )

    # --- patience --------------------------------------------------------------------

    async def _insist(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask Supabase until it answers, however long it takes."""
        failures = 0
        while True:
            try:
                return await ask()
            except InputRefused:
                raise
            except (SupabaseUnavailable, SupabaseRefused):
                failures += 1
                await self._back_off(failures)

    async def _back_off(self, failures: int) -> None:
        delay = back_off(failures, self._fetching.chance(), LONGEST_FOR_SUPABASE)
        await self._fetching.clock.sleep(delay.total_seconds())
