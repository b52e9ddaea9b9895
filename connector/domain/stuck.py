"""When a session has been in one passing state for too long to pass by itself.

Pairing is left out: it ends by its own clock, and waits for a person meanwhile. So is the
time in which a session waits for its turn to log in: nothing is wrong with it.
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
    queued_since: float | None = None  # it waits for its turn


def go_on(
    stay: Stay | None, situation: Situation, now: float, *, queued: bool = False
) -> Stay:
    """A session shows `situation`: the same stay as long as its state is the same.

    `queued`: it waits for its turn from now on, which does not count.
    """
    queued_since = now if queued else None
    if stay is None or stay.situation.state is not situation.state:
        return Stay(situation=situation, since=now, queued_since=queued_since)
    waited = 0.0 if stay.queued_since is None else now - stay.queued_since
    return replace(
        stay,
        situation=situation,
        since=stay.since + waited,
        queued_since=queued_since,
    )


def is_stuck(stay: Stay, now: float) -> bool:
    """Whether a person should be told of it, which is done once a stay."""
    return (
        not stay.told
        and stay.queued_since is None
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
