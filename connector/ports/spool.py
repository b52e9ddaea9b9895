"""A session's spool, as ingestion reads it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.domain.incoming import Incoming
from connector.ports.supabase import SessionRow


class Lane(enum.StrEnum):
    """Events queue up in two lanes, so that a large history keeps no news waiting."""

    LIVE = "live"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledBatch:
    """What was read from one lane: decoded events, or a piece of one, in order."""

    lane: Lane
    term: int  # the lease term all of it was received under
    incoming: Sequence[Incoming] = ()
    rejected: int = 0  # what could not be read; a dead letter each, once trimmed
    number: int = 0  # tells it from the batches read before
    received_at: datetime | None = None  # the oldest of it


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedPiece:
    """A piece of history that the phone announced and that has not come yet."""

    name: str
    id: str  # a UUID
    announced_at: datetime
    direct_path: str = field(repr=False)
    media_key: bytes = field(repr=False)
    file_sha256: bytes = field(repr=False)
    file_enc_sha256: bytes = field(repr=False)


class Spool(Protocol):
    """Raises SpoolUnavailable when its file cannot be used at the moment."""

    def follow(self, session: SessionRow) -> None:
        """Keep from the next event on what this session wants to know of."""

    async def read(self, limits: Mapping[Lane, int]) -> SpooledBatch | None:
        """What is next, at most a lane's limit of it; None when nothing waits.

        Live events come first; of four batches one is history's when any waits. What is
        not trimmed is read again.
        """

    async def read_ahead(self, lane: Lane, limit: int) -> None:
        """Decode what will be next while the last batch is being stored; never raises."""

    async def trim(self, batch: SpooledBatch) -> None:
        """Forget the last batch read: it is stored."""

    async def reject(self, batch: SpooledBatch, reason: str) -> None:
        """Set the last batch read aside: Supabase will never store it."""

    async def depth(self) -> int:
        """How many events wait; never raises."""


class MissingHistory(Protocol):
    """What of a session's history is still to come, beside its spool."""

    async def awaited_history(self, before: datetime) -> Sequence[AwaitedPiece]:
        """What was announced before then and has not come, oldest first; never raises."""

    async def supply_history(
        self, piece: AwaitedPiece, content: bytes, term: int
    ) -> None:
        """Append the piece as if neonize had handed it over; it is awaited no more."""

    async def forget_history(self, piece: AwaitedPiece) -> None:
        """Await it no more: it cannot be had."""
