"""The lease a runner works under: replaced at each renewal, doubted by our own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from connector.domain.leases import is_trusted
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
