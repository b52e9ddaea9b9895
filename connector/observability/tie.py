"""The leases, as the sign of whether Supabase answers and anybody looks after them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from connector.errors import SupabaseRefused
from connector.ports import Claimed, Lease, LeaseStore, SessionId

Answer = TypeVar("Answer")


class Tie:
    """Implements LeaseStore by another one. Written by the event loop, read by any thread.

    Leases are asked for every few seconds, whatever else happens: no other call says as
    surely whether Supabase is there.
    """

    def __init__(self, leases: LeaseStore) -> None:
        self._leases = leases
        self._held: frozenset[SessionId] = frozenset()
        self.away_since: datetime | None = None
        self.refuses = False  # it answers, but not to this key
        self.left_to_others = 0  # sessions whose keys only other connectors can open
        self._away_from = 0.0
        self._looked = time.monotonic()

    @property
    def held(self) -> int:
        return len(self._held)

    @property
    def away_seconds(self) -> float:
        return 0.0 if self.away_since is None else time.monotonic() - self._away_from

    @property
    def unseen_seconds(self) -> float:
        """For how long nobody has even asked."""
        return time.monotonic() - self._looked

    async def claim(self, held: Sequence[SessionId], capacity: int) -> Claimed:
        claimed = await self._asked(self._leases.claim(held, capacity))
        self.left_to_others = claimed.left_to_others
        self._held |= {lease.session.session_id for lease in claimed.leases}
        return claimed

    async def renew(self, terms: Mapping[SessionId, int]) -> Mapping[SessionId, Lease]:
        leases = await self._asked(self._leases.renew(terms))
        self._held = frozenset(leases)
        return leases

    async def release(self, terms: Mapping[SessionId, int]) -> None:
        await self._leases.release(terms)
        self._held -= terms.keys()

    async def _asked(self, question: Awaitable[Answer]) -> Answer:
        try:
            answer = await question
        except (Exception, asyncio.CancelledError) as error:
            # Cancelled: it took too long.
            self._is_away(refuses=isinstance(error, SupabaseRefused))
            raise
        finally:
            self._looked = time.monotonic()
        self.away_since = None
        return answer

    def _is_away(self, *, refuses: bool) -> None:
        self.refuses = refuses
        if self.away_since is None:
            self._away_from = time.monotonic()
            self.away_since = datetime.now(UTC)
