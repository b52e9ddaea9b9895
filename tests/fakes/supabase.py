"""Leases and session rows in memory, and a Supabase that can be away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connector.domain.leases import trusted_until
from connector.domain.messages import Json
from connector.errors import ConnectorError, SupabaseUnavailable
from connector.ports import (
    Claimed,
    Clock,
    DesiredState,
    Lease,
    SessionId,
    SessionReport,
    SessionRow,
)

TTL = 30.0
ANA = SessionId("ana")
OURS = "ours"


def wanted(
    desired: DesiredState = DesiredState.CONNECTED,
    revision: int = 1,
    session_id: SessionId = ANA,
) -> SessionRow:
    return SessionRow(
        session_id=session_id, desired_state=desired, desired_revision=revision
    )


@dataclass
class _HeldRow:
    holder: str
    term: int
    expires_at: float


@dataclass
class MemoryLeases:
    """What `wa_claim_sessions` and its siblings do, for the holder `ours`."""

    clock: Clock
    rows: dict[SessionId, SessionRow] = field(default_factory=dict)
    leases: dict[SessionId, _HeldRow] = field(default_factory=dict)
    away: bool = False
    surplus: set[SessionId] = field(default_factory=set)  # others should have them
    look_again: timedelta | None = None
    left_to_others: int = 0
    other_held_ago: float | None = None
    asked: list[str] = field(default_factory=list)  # what was asked for, in order

    def want(self, row: SessionRow) -> None:
        self.rows[row.session_id] = row

    def ask(self, **changes: object) -> None:
        """Write `desired_state` of `ana`, as an app would."""
        row = self.rows[ANA]
        revision = row.desired_revision + 1
        self.want(replace(row, desired_revision=revision, **changes))  # type: ignore[arg-type] # the test's own words

    def taken_by(self, other: str, session_id: SessionId = ANA) -> None:
        lease = self.leases[session_id]
        lease.holder, lease.term = other, lease.term + 1
        lease.expires_at = self.clock.monotonic() + TTL

    async def claim(self, held: Sequence[SessionId], capacity: int) -> Claimed:
        self._answer()
        self.asked.append(f"claim {capacity}")
        now = self.clock.monotonic()
        claimed: list[Lease] = []
        for session_id, row in self.rows.items():
            lease = self.leases.setdefault(session_id, _HeldRow("", 0, now))
            forgotten = lease.holder == OURS and session_id not in held
            full = len(held) + len(claimed) >= capacity
            if (lease.expires_at > now and not forgotten) or full:
                continue
            theirs = session_id in self.surplus
            if theirs or row.desired_state is not DesiredState.CONNECTED:
                continue
            lease.holder, lease.term = OURS, lease.term + 1
            claimed.append(self._extend(session_id))
        return Claimed(
            leases=claimed,
            look_again=self.look_again,
            left_to_others=self.left_to_others,
        )

    async def renew(self, terms: Mapping[SessionId, int]) -> Mapping[SessionId, Lease]:
        self._answer()
        now = self.clock.monotonic()
        return {
            session_id: self._extend(session_id)
            for session_id, term in terms.items()
            if (lease := self.leases[session_id]).term == term
            and lease.expires_at > now
        }

    async def release(self, terms: Mapping[SessionId, int]) -> None:
        self._answer()
        self.asked.append("release")
        for session_id, term in terms.items():
            if self.leases[session_id].term == term:
                self.leases[session_id].expires_at = self.clock.monotonic()

    def _answer(self) -> None:
        if self.away:
            raise SupabaseUnavailable

    def _extend(self, session_id: SessionId) -> Lease:
        now = self.clock.monotonic()
        lease = self.leases[session_id]
        lease.expires_at = now + TTL
        return Lease(
            session=self.rows[session_id],
            term=lease.term,
            trusted_until=trusted_until(now, TTL),
            yields=session_id in self.surplus,
            other_held_ago=self.other_held_ago,
        )


@dataclass
class MemorySessions:
    """`wa_sessions` and `wa_events`, as a member sees them."""

    columns: dict[str, Json] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    reports: int = 0
    failures: list[ConnectorError] = field(default_factory=list)
    away: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def state(self) -> str:
        return f"{self.columns.get('state')}/{self.columns.get('state_code')}"

    async def report(
        self, session_id: SessionId, term: int, report: SessionReport
    ) -> None:
        await self._answer()
        self.reports += 1
        self.columns |= report.columns
        self.states.append(self.state)

    async def record_event(
        self,
        session_id: SessionId,
        term: int,
        *,
        level: str,
        code: str,
        message: str,
        details: Mapping[str, Json],
    ) -> None:
        await self._answer()
        self.events.append(code)

    async def _answer(self) -> None:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.away:
            raise SupabaseUnavailable


@dataclass
class FakeDoorbell:
    """Rings when a test says so."""

    clock: Clock
    healthy: bool = True
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        self.rung.set()

    async def wait_sessions(self, at_most: float) -> None:
        ringing = asyncio.ensure_future(self.rung.wait())
        sleeping = asyncio.ensure_future(self.clock.sleep(at_most))
        try:
            await asyncio.wait({ringing, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
            sleeping.cancel()
        self.rung.clear()

    async def wait_outbox(self, session_id: SessionId, at_most: float) -> None:
        await self.clock.sleep(at_most)

    async def run(self) -> None:
        await asyncio.Event().wait()
