"""The lease a runner works under: replaced at each renewal, doubted by our own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from connector.domain.leases import follows_closely, is_trusted
from connector.ports import Clock, Lease, SessionId, SessionRow


class HeldLease:
    """Written by the lease keeper, read by everything that runs the session."""

    def __init__(self, lease: Lease, clock: Clock, ask_now: Callable[[], None]) -> None:
        """Take `ask_now`, which lets the keeper look at once when a term is doubted."""
        self._lease = lease
        self._clock = clock
        self._ask_now = ask_now
        self._renewed = asyncio.Event()
        self._doubted = False
        self._other_held_at = (
            None
            if lease.other_held_ago is None
            else clock.monotonic() - lease.other_held_ago
        )
        self.handed_over = False  # it is on its way to another connector

    @property
    def session(self) -> SessionRow:
        return self._lease.session

    @property
    def session_id(self) -> SessionId:
        return self._lease.session.session_id

    @property
    def term(self) -> int:
        return self._lease.term

    @property
    def yields(self) -> bool:
        """Whether another connector should have the session, by the last renewal."""
        return self._lease.yields

    @property
    def soon_after_another(self) -> bool:
        """Whether who held it before us may not know yet that it does no more."""
        at = self._other_held_at
        return follows_closely(None if at is None else self._clock.monotonic() - at)

    @property
    def trusted(self) -> bool:
        """Whether no other connector can hold the session at this moment."""
        return not self._doubted and is_trusted(
            self._lease.trusted_until, self._clock.monotonic()
        )

    @property
    def trusted_until(self) -> float:
        """By the monotonic clock; what is begun later, another may have begun as well."""
        return -inf if self._doubted else self._lease.trusted_until

    def renew(self, lease: Lease) -> None:
        self._lease = lease
        self._doubted = False
        self._renewed.set()
        self._renewed = asyncio.Event()

    def doubt(self, term: int) -> None:
        """Say that Supabase refused `term`: only the keeper decides what that means."""
        if term == self.term:
            self._doubted = True
            self._ask_now()

    async def until_trusted(self) -> None:
        while not self.trusted:
            await self._renewed.wait()

    @property
    def next_renewal(self) -> asyncio.Event:
        """Set by the next answer about this lease; taken before looking, then awaited."""
        return self._renewed
