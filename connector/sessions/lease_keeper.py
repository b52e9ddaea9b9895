"""Which leases this connector holds: claims, renews and gives up, and nothing else.

Only an answer from Supabase takes a session away from us. While Supabase cannot be
reached every session stays online and spools; its lease is merely no longer trusted,
so that no new socket is opened under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from connector.domain.leases import continues
from connector.errors import ConnectorError
from connector.ports import Claimed, Clock, Lease, LeaseStore, SessionId
from connector.sessions.blocking import to_its_end
from connector.sessions.deadlines import within
from connector.sessions.held_lease import HeldLease

ANSWER_WITHIN: Final = 8.0  # shorter than the time between two renewals

RELEASE_WITHIN: Final = 1.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look at the leases brought: sessions to start, to stop, to hand over."""

    gained: tuple[HeldLease, ...] = ()
    lost: tuple[SessionId, ...] = ()
    yielded: tuple[HeldLease, ...] = ()  # another connector should have them
    look_again: float | None = None  # seconds; there may be something to take then


class LeaseKeeper:
    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        *,
        most_sessions: int,
        ask_now: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._most_sessions = most_sessions
        self._ask_now = ask_now
        self._held: dict[SessionId, HeldLease] = {}
        self._leaving: list[HeldLease] = []
        self._looking = asyncio.Lock()
        self._left_to_others = 0

    @property
    def held(self) -> Collection[SessionId]:
        return self._held.keys()

    def holds(self, held: HeldLease) -> bool:
        return self._held.get(held.session_id) is held

    async def look(self) -> Changes:
        """Renew what we hold, then take what is free.

        Raises ConnectorError or TimeoutError when Supabase did not answer: nothing is
        lost then, and whatever was claimed unheard is claimed again by the next look.
        """
        async with self._looking:
            missing = await self._renew()
            answer = await self._claim(missing)
            self._say_what_is_left(answer.left_to_others)
            claimed = {lease.session.session_id: lease for lease in answer.leases}
            # What was renewed a moment ago may be claimed, too: this process slept between.
            over = missing | (self._held.keys() & claimed.keys())
            regained = {key for key in over if self._goes_on(key, claimed.get(key))}
            for key in regained:
                self._held[key].renew(claimed[key])
            for key in over - regained:
                del self._held[key]
            gained = [
                self._keep(claimed[key]) for key in claimed if key not in regained
            ]
            again = answer.look_again
            return Changes(
                gained=tuple(gained),
                lost=tuple(over - regained),
                yielded=tuple(held for held in self._held.values() if held.yields),
                look_again=None if again is None else again.total_seconds(),
            )

    async def leave(self) -> bool:
        """Let others count on our sessions from now on; whether they were told.

        The sessions are released as they end.
        """
        async with self._looking:
            try:
                leaving = self._store.claim(tuple(self._held), 0)
                await within(self._clock, RELEASE_WITHIN, leaving)
            except (ConnectorError, TimeoutError) as error:
                log.warning("leaving untold", error=error)
                return False
        return True

    async def _renew(self) -> set[SessionId]:
        if not self._held:
            return set()
        terms = {key: held.term for key, held in self._held.items()}
        renewed = await within(self._clock, ANSWER_WITHIN, self._store.renew(terms))
        for key, lease in renewed.items():
            self._held[key].renew(lease)
        return self._held.keys() - renewed.keys()

    async def _claim(self, missing: set[SessionId]) -> Claimed:
        # Also when there is no room: it says that we live.
        ours = [key for key in self._held if key not in missing]
        claiming = self._store.claim(ours, self._most_sessions)
        return await within(self._clock, ANSWER_WITHIN, claiming)

    def _say_what_is_left(self, count: int) -> None:
        if count and not self._left_to_others:
            log.warning(
                "numbers left to others: WA_STATE_KEY here lacks their key",
                code="state_key_unknown",
                count=count,
            )
        self._left_to_others = count

    def _goes_on(self, key: SessionId, claimed: Lease | None) -> bool:
        """Whether a lease ran out only because Supabase was away: nobody took it."""
        return claimed is not None and continues(self._held[key].term, claimed.term)

    def _keep(self, lease: Lease) -> HeldLease:
        held = HeldLease(lease, self._clock, self._ask_now)
        self._held[held.session_id] = held
        return held

    async def release(self, held: HeldLease) -> None:
        """Let others have a session now. What cannot be released expires by itself.

        Those that are ready at the same moment go in one call, which nobody cuts off: it
        is made for the others as well.
        """
        self._leaving.append(held)
        await to_its_end(self._release_leaving())

    async def _release_leaving(self) -> None:
        async with self._looking:
            terms = {
                one.session_id: one.term for one in self._leaving if self.holds(one)
            }
            self._leaving.clear()
            for session_id in terms:
                del self._held[session_id]
            if terms:
                await self._release(terms)

    async def _release(self, terms: Mapping[SessionId, int]) -> None:
        try:
            await within(self._clock, RELEASE_WITHIN, self._store.release(terms))
        except (ConnectorError, TimeoutError) as error:
            log.warning("release failed", count=len(terms), error=error)
