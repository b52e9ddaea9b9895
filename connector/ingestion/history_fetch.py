"""Fetches the pieces of history that neonize was told of and never handed over.

neonize confirms a piece before it has it: stopped or killed meanwhile, it forgets it, and
WhatsApp does not tell again. What was announced before this login is ours to fetch; what
was announced since is neonize's, unless that takes too long.

    killed while fetching:      fetched again
    killed after supplying it:  supplied again, which stores nothing twice
    neonize fetches it as well: the same
"""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from connector.domain.retry import back_off
from connector.errors import (
    FetchFailed,
    MediaCorrupt,
    MediaExpired,
    MediaTooLarge,
    SpoolUnavailable,
)
from connector.ports import (
    AwaitedPiece,
    ClaimedFile,
    Clock,
    MediaSource,
    MissingHistory,
    SessionContext,
    SessionId,
)

LOOK_SECONDS: Final = 5.0
PATIENCE: Final = timedelta(minutes=10)  # with neonize, which fetches one by one
LARGEST_PIECE: Final = 256 * 1024 * 1024  # bytes, inflated

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFetching:
    """Supplies what is missing; one `run` a session."""

    missing: Callable[[SessionId], MissingHistory]
    source: MediaSource
    clock: Clock
    chance: Callable[[], float] = random.random  # jitter

    async def run(self, context: SessionContext) -> None:
        missing = self.missing(context.session_id)
        logins, logged_in_at, failures = -1, self.clock.now(), 0
        while True:
            await context.until_connected()
            if context.logins != logins:
                logins, logged_in_at = context.logins, self.clock.now()
            before = max(logged_in_at, self.clock.now() - PATIENCE)
            pieces = await missing.awaited_history(before)
            settled = [await self._supply(context, missing, each) for each in pieces]
            failures = 0 if all(settled) else failures + 1
            # Neither these servers nor the log are to suffer from what goes on failing.
            pause = back_off(failures, self.chance()).total_seconds() if failures else 0
            await self.clock.sleep(max(pause, LOOK_SECONDS))

    async def _supply(
        self, context: SessionContext, missing: MissingHistory, piece: AwaitedPiece
    ) -> bool:
        """Whether the piece is done with, supplied or not."""
        claimed = _as_file(piece)
        try:
            async with self.source.fetched(context.session_id, claimed) as file:
                packed = b"".join([part async for part in file.content()])
            content = await asyncio.to_thread(_inflated, packed)
            await missing.supply_history(piece, content, context.term)
        except (MediaExpired, MediaCorrupt, MediaTooLarge) as error:
            # Deleted by whoever fetched it, mostly: neonize, before it was stopped.
            log.warning(
                "history not fetched", session_id=context.session_id, error=error
            )
            await missing.forget_history(piece)
        except (FetchFailed, SpoolUnavailable) as error:
            log.warning(
                "history fetched later", session_id=context.session_id, error=error
            )
            return False
        else:
            log.info("history supplied", session_id=context.session_id)
            context.spooled.set()
        await self.source.forget(context.session_id, claimed.id)
        return True


def _as_file(piece: AwaitedPiece) -> ClaimedFile:
    return ClaimedFile(
        id=piece.id,
        workspace_id="",  # it goes to no bucket
        sent_at=piece.announced_at,
        media_type="history",
        direct_path=piece.direct_path,
        media_key=piece.media_key,
        file_sha256=piece.file_sha256,
        file_enc_sha256=piece.file_enc_sha256,
        attempts=1,
    )


def _inflated(packed: bytes) -> bytes:
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(packed, LARGEST_PIECE)
    except zlib.error as error:
        raise MediaCorrupt("wrong_hash") from error
    if inflating.unconsumed_tail:
        raise MediaTooLarge
    return content
