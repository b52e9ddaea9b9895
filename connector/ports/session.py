"""A running session, as its ingestion and delivery see it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from connector.ports.core import SessionId
from connector.ports.supabase import SessionRow
from connector.ports.whatsapp import Worker


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
    def trusted_until(self) -> float:
        """Until then, by the monotonic clock, the lease is surely ours."""

    @property
    def session(self) -> SessionRow:
        """As the last renewal of the lease read it."""

    @property
    def appear_online(self) -> bool:
        """Whether the linked number shows itself, and so is told who types."""

    @property
    def logins(self) -> int:
        """Rises with each login: what was said about us before is forgotten."""

    @property
    def spooled(self) -> asyncio.Event:
        """Rung when the spool has something new; its reader clears it, then reads."""

    def worker(self) -> Worker | None:
        """The worker while it is connected to WhatsApp, else None."""

    async def until_connected(self) -> Worker:
        """Wait for a worker that is connected to WhatsApp."""
