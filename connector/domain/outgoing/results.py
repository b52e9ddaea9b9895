"""How a claimed row of the outbox ended.

    queued -> claimed -> sending -> sent
                 |          |-> failed      a stable code and a sentence
                 |          |-> uncertain   begun, and no receipt in two minutes
                 +-- queued <-+             never begun, refused for now, or paused

Every failure code stands in docs/errors.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta


class Outcome(enum.StrEnum):
    """How one claimed row ended."""

    SENT = "sent"
    FAILED = "failed"
    RETRY = "retry"  # back to queued, after `retry_after`
    PAUSED = "paused"  # back to queued, no attempt counted; see `pause`
    AWAITING_RECEIPT = "awaiting_receipt"  # begun, id known; a receipt settles it
    UNCERTAIN = "uncertain"
    RELEASED = "released"  # never begun: back to queued, no attempt counted


class PauseScope(enum.StrEnum):
    """What a session sends no more of for a while."""

    ALL = "all"
    NEW_CHATS = "new_chats"  # to people who never wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    scope: PauseScope
    lasting: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxResult:
    """What to record for one row of `wa_outbox`."""

    id: str
    outcome: Outcome
    whatsapp_id: str | None = None
    sent_at: datetime | None = None
    code: str | None = None
    message: str | None = None
    retry_after: timedelta | None = None
    pause: Pause | None = None
    claim: int | None = None  # of which claim it is said: a later one is not meant
