"""What the connector needs from the outside world, in its own words.

Adapters implement these; sessions, ingestion and delivery use them; main.py wires them.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType, Protocol

from connector.domain.addresses import Jid
from connector.domain.messages import Incoming, Json
from connector.domain.outgoing import OutboxResult, OutgoingContent

SessionId = NewType("SessionId", str)


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for what is awaited."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


# --- WhatsApp: one worker process per linked number ---------------------------------


class Signal(enum.StrEnum):
    """What a worker reports about its connection; data per signal in WorkerEvent."""

    STARTED = "started"  # neonize is loaded, commands are answered
    QR = "qr"  # text
    PAIRING_CODE = "pairing_code"  # text
    PAIRED = "paired"  # jid, lid
    PAIRING_FAILED = "pairing_failed"  # reason: timeout, error, …
    CONNECTED = "connected"  # jid, lid, push_name
    CONNECT_ERROR = "connect_error"  # the first dial failed; reason
    DISCONNECTED = "disconnected"
    KEEPALIVE_TIMEOUT = "keepalive_timeout"
    KEEPALIVE_RESTORED = "keepalive_restored"
    LOGGED_OUT = "logged_out"  # code 401, 403 or 406; on_connect
    REPLACED = "replaced"
    BANNED = "banned"  # code 101…, until
    OUTDATED = "outdated"  # failure 405
    CONNECT_FAILURE = "connect_failure"  # any other <failure>; code
    STREAM_ERROR = "stream_error"  # code
    OFFLINE_SYNC_DONE = "offline_sync_done"
    SPOOLED = "spooled"  # something new to read
    SPOOL_FULL = "spool_full"
    EXITED = "exited"  # the process ended; always the last event; code


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEvent:
    signal: Signal
    text: str | None = None
    code: int | None = None
    reason: str | None = None
    jid: Jid | None = None
    lid: Jid | None = None
    push_name: str | None = None
    until: datetime | None = None
    on_connect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """WhatsApp's acknowledgement of one message."""

    whatsapp_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A message that an interrupted send had already begun (docs/outbox.md)."""

    whatsapp_id: str


class Worker(Protocol):
    """One number's process. Every method raises WorkerGone when the process is gone."""

    def events(self) -> AsyncIterator[WorkerEvent]:
        """Events in order; ends after EXITED."""

    async def connect(self, *, pairing_phone: str | None) -> None:
        """Dial and, when the store is empty, pair: by code when a phone is given."""

    async def send(self, to: Jid, content: OutgoingContent, secret: bytes) -> Sent:
        """Send one message whose stored secret (32 bytes) is `secret`.

        Raises NotConnected, RecipientUnknown, SendRefused, SendUncertain.
        """

    async def ping(self) -> None:
        """Returns when the process answers."""

    async def disconnect(self) -> None:
        """Close the socket; what was received is still written to the spool."""

    async def log_out(self) -> None:
        """Unlink this device at WhatsApp and forget its keys."""

    async def stop(self) -> None:
        """Planned stop: disconnect, drain into the spool, exit. Idempotent."""

    async def kill(self) -> None:
        """End the process at once, whatever it is doing; returns when it is gone."""


class Launcher(Protocol):
    async def launch(
        self,
        session_id: SessionId,
        term: int,
        *,
        history_days: int,
        ignore_status: bool,
    ) -> Worker:
        """Start the session's process; it does not connect by itself.

        Raises WorkerGone, OSError. A cancelled launch leaves no process behind.
        """

    def spool(self, session_id: SessionId) -> Spool: ...
    def spools(self) -> Sequence[SessionId]:
        """Every session that has a spool on this machine, be it empty."""

    def device_store(self, session_id: SessionId) -> DeviceStore: ...


class DeviceStore(Protocol):
    """The session's WhatsApp store on this machine, read without touching it."""

    def lineage(self) -> str:
        """Names this very copy of the store; a restored or new one has another."""

    def is_paired(self) -> bool: ...
    async def find_attempt(self, secret: bytes) -> Attempt | None:
        """The message that was last begun with this secret, if any."""

    def discard(self) -> None:
        """Delete the store: WhatsApp has revoked its keys. The worker must be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledBatch:
    """What was read from a spool: decoded events, in order, and how far they reach."""

    incoming: Sequence[Incoming] = ()
    up_to: int  # trim to here once stored
    term: int  # the lease term all of it was received under
    rejected: int = 0  # poison events, moved to the dead letters


class Spool(Protocol):
    async def read(self, limit: int) -> SpooledBatch | None:
        """The oldest events of one term, at most `limit`; None when it is empty."""

    async def trim(self, up_to: int) -> None:
        """Forget what is stored; never more than was read."""

    async def reject(self, up_to: int, reason: str) -> None:
        """Move what reaches to here to the dead letters: Supabase refuses to store it."""

    async def depth(self) -> int: ...


# --- Supabase --------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run one session, until `trusted_until` by our own monotonic clock."""

    session: SessionRow
    term: int
    trusted_until: float


class LeaseStore(Protocol):
    """Raises SupabaseUnavailable."""

    async def claim(self, held: Sequence[SessionId], limit: int) -> Sequence[Lease]:
        """Take free or expired leases of sessions that have work, besides `held`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRow:
    """One `wa_outbox` row that is ours to send."""

    id: str
    to: str
    chat_jid: str | None  # resolved at insert, when it could be
    kind: str
    payload: Json
    attempts: int  # this one counted
    claim: int  # how often it was claimed, released claims counted too


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledRow:
    """A row that was claimed before a crash: sent, or not? (docs/outbox.md)"""

    id: str
    claim: int
    lineage: str
    term: int


class OutboxStore(Protocol):
    """Raises SupabaseUnavailable, LeaseLost."""

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        lineage: str,
        results: Sequence[OutboxResult],
        claim: int,
    ) -> Sequence[ClaimedRow]:
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


# --- A running session, as its ingestion and delivery see it ------------------------


class SessionContext(Protocol):
    """What a session's companions may know of it; each companion runs in its own task.

    A companion runs while we hold the session's lease, connected or not, and ends by
    cancellation. Delivery is cancelled before the worker is stopped and has 2 s to
    settle what it has in flight; ingestion is cancelled last, when the spool is empty
    or the time is up. A companion that raises is started again, after a back-off; the
    connection does not notice. LeaseLost makes the lease keeper look at once.
    """

    @property
    def session_id(self) -> SessionId: ...
    @property
    def term(self) -> int:
        """The lease term that writes carry."""

    @property
    def history_days(self) -> int: ...
    @property
    def ignore_status(self) -> bool: ...
    @property
    def spooled(self) -> asyncio.Event:
        """Rung when the spool has something new; its reader clears it, then reads."""

    def worker(self) -> Worker | None:
        """The worker while it is connected to WhatsApp, else None."""

    async def until_connected(self) -> Worker:
        """Wait for a worker that is connected to WhatsApp."""
