"""Tells the look-ups what was stored, so that somebody new is not nameless for long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.incoming import Incoming
from connector.ports import Intake, SessionId


@dataclass(frozen=True, slots=True)
class AttentiveIntake:
    """Implements Intake by another one."""

    intake: Intake
    heard: Callable[[SessionId, Sequence[Incoming]], None]

    async def store(
        self, session_id: SessionId, term: int, incoming: Sequence[Incoming]
    ) -> None:
        await self.intake.store(session_id, term, incoming)
        self.heard(session_id, incoming)

    async def end_stalled_history(
        self, session_id: SessionId, term: int, after: timedelta
    ) -> bool:
        return await self.intake.end_stalled_history(session_id, term, after)
