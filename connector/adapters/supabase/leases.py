"""Leases in Postgres: who may run which session, and until when (docs/leases.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from connector.adapters.supabase.client import SupabaseClient
from connector.adapters.supabase.rows import ClaimAnswer, LeaseRow
from connector.domain.leases import trusted_until
from connector.domain.messages import Json
from connector.ports import Claimed, Clock, Lease, SessionId


class SupabaseLeases:
    """Implements LeaseStore for one holder."""

    def __init__(
        self,
        client: SupabaseClient,
        clock: Clock,
        *,
        holder: str,
        ttl: timedelta,
        state_keys: Sequence[str],
    ) -> None:
        """Take the ids of the keys that saved states can be opened with here."""
        self._client = client
        self._clock = clock
        self._holder = holder
        self._ttl = ttl
        self._state_keys = list(state_keys)

    async def claim(self, held: Sequence[SessionId], capacity: int) -> Claimed:
        started = self._clock.monotonic()
        rows = await self._client.call(
            "wa_claim_sessions",
            {
                "p_holder": self._holder,
                "p_ttl": self._interval,
                "p_capacity": capacity,
                "p_held": list(held),
                "p_state_keys": self._state_keys,
            },
        )
        claimed = ClaimAnswer.read(rows[0] if rows else {})
        again = claimed.look_again
        return Claimed(
            leases=[self._lease(row, started) for row in claimed.leases],
            look_again=None if again is None else timedelta(seconds=again),
            left_to_others=claimed.left_to_others,
        )

    async def renew(self, terms: Mapping[SessionId, int]) -> Mapping[SessionId, Lease]:
        started = self._clock.monotonic()
        rows = await self._client.call(
            "wa_renew_leases",
            {
                "p_holder": self._holder,
                "p_leases": _leases(terms),
                "p_ttl": self._interval,
            },
        )
        leases = [self._lease(LeaseRow.read(row), started) for row in rows]
        return {lease.session.session_id: lease for lease in leases}

    async def release(self, terms: Mapping[SessionId, int]) -> None:
        await self._client.call(
            "wa_release_leases",
            {"p_holder": self._holder, "p_leases": _leases(terms)},
        )

    @property
    def _interval(self) -> str:
        return f"{self._ttl.total_seconds()} seconds"

    def _lease(self, row: LeaseRow, started: float) -> Lease:
        return Lease(
            session=row.session(),
            term=row.term,
            trusted_until=trusted_until(started, self._ttl.total_seconds()),
            yields=row.yields,
            other_held_ago=row.other_held_ago,
        )


def _leases(terms: Mapping[SessionId, int]) -> list[Json]:
    return [{"session_id": key, "term": term} for key, term in terms.items()]
