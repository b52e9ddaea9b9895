"""What an operator's commands need of a project beside its running connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.ports.core import SessionId
from connector.ports.device_state import SealedPage


@dataclass(frozen=True, slots=True, kw_only=True)
class StateKeys:
    """Which keys, by their ids, a session's saved device state needs."""

    session_id: SessionId
    state_keys: Sequence[str]  # of its pages and its manifest
    claim_keys: Sequence[str]  # of each message that is being sent
    is_held: bool  # a connector runs it


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """A session that no connector runs while its lease is borrowed."""

    term: int | None  # None: it is not ours, a connector runs it
    desired_state: str
    state: str


class BorrowedLeases(Protocol):
    """Raises SupabaseUnavailable, SupabaseRefused."""

    async def borrow(self, session_id: SessionId) -> Borrowed | None:
        """Take a lease that nobody holds; None when there is no such session."""

    async def give_back(self, session_id: SessionId, term: int) -> None: ...


class DeviceStateKeys(Protocol):
    """Raises SupabaseUnavailable, SupabaseRefused."""

    def all(self) -> AsyncIterator[StateKeys]:
        """Of every saved device state."""

    async def exchange(
        self,
        session_id: SessionId,
        term: int,
        generation: int,
        pages: Sequence[SealedPage],
        manifest: bytes | None,
    ) -> None:
        """Put other seals around what is saved; without a manifest it keeps its own.

        Raises LeaseLost, too.
        """
