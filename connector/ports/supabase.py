"""Supabase: leases, session rows, what comes in, what goes out, and the doorbell."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from connector.domain.incoming import Incoming
from connector.domain.messages import Json
from connector.domain.outgoing import OutboxResult, OutgoingFile, References
from connector.ports.core import SessionId


class DesiredState(enum.StrEnum):
    """What the user wants of a session: `wa_sessions.desired_state`."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOGGED_OUT = "logged_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """The part of `wa_sessions` that decides what a runner does."""

    session_id: SessionId
    desired_state: DesiredState
    desired_revision: int  # rises when desired_state is written, even to the same value
    pairing_phone: str | None = None
    history_days: int = 14
    ignore_status: bool = True
    ignore_newsletters: bool = True
    ignore_calls: bool = True
    appear_online: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run one session, until `trusted_until` by our own monotonic clock."""

    session: SessionRow
    term: int
    trusted_until: float
    yields: bool = False  # another connector should have it: hand it over
    # How long before it was claimed another connector had had it; None: never.
    other_held_ago: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a look for sessions to run brought."""

    leases: Sequence[Lease] = ()
    # When there may be something to take that nobody rings for, if that is known.
    look_again: timedelta | None = None
    # Sessions whose saved keys only other connectors can open.
    left_to_others: int = 0


class LeaseStore(Protocol):
    """Raises SupabaseUnavailable."""

    async def claim(self, held: Sequence[SessionId], capacity: int) -> Claimed:
        """Take our share of sessions that have work, besides `held`: a sign of life.

        `capacity`: for how many sessions there is room, `held` included; 0 says that
        ours are for others from now on.
        """

    async def renew(self, terms: Mapping[SessionId, int]) -> Mapping[SessionId, Lease]:
        """Extend ours and read their session rows; a missing one is lost."""

    async def release(self, terms: Mapping[SessionId, int]) -> None:
        """Let others have them now, by expiring them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """Columns of `wa_sessions` to write; only what is given changes."""

    columns: Mapping[str, Json] = field(default_factory=dict)


class SessionStore(Protocol):
    """Raises SupabaseUnavailable, LeaseLost."""

    async def report(
        self, session_id: SessionId, term: int, report: SessionReport
    ) -> None: ...

    async def record_event(
        self,
        session_id: SessionId,
        term: int,
        *,
        level: str,
        code: str,
        message: str,
        details: Mapping[str, Json],
    ) -> None: ...


class Intake(Protocol):
    async def store(
        self, session_id: SessionId, term: int, incoming: Sequence[Incoming]
    ) -> None:
        """Store all or nothing; storing twice is storing once.

        Raises SupabaseUnavailable, SupabaseRefused, LeaseLost.
        """

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        """Say that history failed if it runs and nothing of it came for so long.

        Return whether it did. Raises SupabaseUnavailable, SupabaseRefused, LeaseLost.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRow:
    """One `wa_outbox` row that is ours to send."""

    id: str
    to: str
    chat_id: str | None  # rows of one chat go in order
    chat_jid: str | None  # resolved at insert, when it could be
    kind: str
    payload: Json
    attempts: int  # this one counted
    claim: int  # how often it was claimed, released claims counted too
    on_whatsapp: bool | None = None  # as checked in the last 7 days
    expiration: timedelta | None = None  # the chat's messages disappear after it
    references: References = field(default_factory=References)
    file: OutgoingFile | None = None  # uploaded in an earlier attempt
    # False: only its id and its claim could be read, and it can never be sent.
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is to be sent now."""

    rows: Sequence[ClaimedRow]
    # When more may be sent, if that is known: a pace, a pause, a row's own time.
    look_again: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledRow:
    """A row that was claimed before a crash: sent, or not? (docs/outbox.md)"""

    id: str
    claim: int
    lineage: str
    term: int
    # The last message recorded under the same lineage: its row and claim.
    witness: tuple[str, int] | None = None


class OutboxStore(Protocol):
    """Raises SupabaseUnavailable, LeaseLost."""

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        lineage: str,
        results: Sequence[OutboxResult],
        claim: int,
    ) -> Claim:
        """Record `results` and claim at most `claim` further rows, in one round trip."""

    async def unsettled(
        self, session_id: SessionId, term: int
    ) -> Sequence[UnsettledRow]:
        """Rows an earlier run of this session left claimed or sending."""


class Wakeups(Protocol):
    """The doorbell: wakes at once, never relied upon."""

    @property
    def healthy(self) -> bool:
        """False while broadcasts may be missed: poll more often."""

    async def wait_sessions(self, at_most: float) -> None:
        """Until a session's desired state may have changed, or the time is up."""

    async def wait_outbox(self, session_id: SessionId, at_most: float) -> None:
        """Until the session may have something to send, or the time is up."""

    async def run(self) -> None:
        """Keep the doorbell connected; ends only by cancellation."""
