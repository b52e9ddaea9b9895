"""When a session has been in one passing state for too long to pass by itself.

Pairing is left out: it ends by its own clock, and waits for a person meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from connector.domain.session_commands import RecordEvent
from connector.domain.states import Situation, State

STUCK_AFTER: Final = timedelta(minutes=10)
PASSING: Final = frozenset({State.CONNECTING, State.SYNCING, State.RECONNECTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """How long a session has been in the state it is in."""

    situation: Situation
    since: float  # monotonic seconds
    told: bool = False


def go_on(stay: Stay | None, situation: Situation, now: float) -> Stay:
    """A session shows `situation`: the same stay as long as its state is the same."""
    if stay is not None and stay.situation.state is situation.state:
        return replace(stay, situation=situation)
    return Stay(situation=situation, since=now)


def is_stuck(stay: Stay, now: float) -> bool:
    """Whether a person should be told of it, which is done once a stay."""
    return (
        not stay.told
        and stay.situation.state in PASSING
        and now - stay.since >= STUCK_AFTER.total_seconds()
    )


def stuck_event(stay: Stay) -> RecordEvent:
    now = stay.situation
    minutes = round(STUCK_AFTER.total_seconds() / 60)
    sentence = f"For more than {minutes} minutes: {now.message}"
    return RecordEvent(
        level="warning",
        situation=Situation("stuck", now.state, now.user_action, sentence),
        details={"state": now.state.value, "state_code": now.code},
    )
